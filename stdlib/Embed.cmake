# Writes OUTPUT, a C++ file that holds the text of FILES (separated by commas).
string(REPLACE "," ";" FILES "${FILES}")
set(cases "")
set(names "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND cases "  if (name == \"${name}\")\n    return R\"loco(${text})loco\";\n")
  string(APPEND names "\"${name}\", ")
endforeach()
file(WRITE ${OUTPUT} "// Made by Embed.cmake from the files of stdlib.
#include \"compiler/Sema/Program.h\"

const char *loco::sema::findLibraryText(llvm::StringRef name) {
${cases}  return nullptr;
}

llvm::ArrayRef<llvm::StringRef> loco::sema::getLibraryNames() {
  static constexpr llvm::StringRef names[] = {${names}};
  return names;
}
")
