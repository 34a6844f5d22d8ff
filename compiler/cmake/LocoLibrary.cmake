# loco_add_library(<name> SOURCES ... [LOCO ...] [MLIR ...] [LLVM ...] [TABLEGEN ...])
#
# A static library of the compiler. LOCO: our libraries it uses. MLIR, LLVM:
# upstream libraries and components, taken from the shared libMLIR and libLLVM
# (never both shared and static). TABLEGEN: targets whose headers it includes.
# All such libraries share one precompiled header of MLIR.
function(loco_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LOCO;MLIR;LLVM;TABLEGEN" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  loco_configure_target(${name})
  if(arg_TABLEGEN)
    add_dependencies(${name} ${arg_TABLEGEN})
  endif()
  target_link_libraries(${name} PUBLIC ${arg_LOCO} MLIR LLVM)
  set_property(GLOBAL APPEND PROPERTY LOCO_LIBRARIES ${name})
endfunction()

# loco_add_tool(<name> SOURCES ... [LIBRARIES ...])
function(loco_add_tool name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  loco_configure_target(${name})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} MLIR LLVM)
endfunction()

# Include paths, warnings and the shared precompiled header.
function(loco_configure_target name)
  # -fPIC for programs, too: the precompiled header is shared with the libraries.
  target_compile_options(${name} PRIVATE -fPIC)
  target_compile_options(${name} PRIVATE ${LOCO_LLVM_FLAGS} -Wall -Wextra -Wno-unused-parameter)
  target_include_directories(${name} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  if(TARGET LocoPrecompiledHeader)
    target_precompile_headers(${name} REUSE_FROM LocoPrecompiledHeader)
  endif()
endfunction()
