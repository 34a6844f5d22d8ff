//===- Assemble.cpp - Machine code of a GPU from PTX ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/NVPTX/NVPTXTarget.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace loco;

/// A file that is gone with its object.
static llvm::Expected<llvm::FileRemover>
makeFile(llvm::StringRef suffix, llvm::SmallString<128> &path) {
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("loco", suffix, path))
    return llvm::createStringError(code, "no temporary file can be made");
  return llvm::FileRemover(path);
}

static std::string contentsOf(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

llvm::Expected<Cubin> loco::assemblePTX(llvm::StringRef ptx,
                                        const NVPTXTarget &target) {
  auto program = llvm::sys::findProgramByName("ptxas");
  if (!program)
    return llvm::createStringError(
        "there is no `ptxas` on the PATH; it comes with the CUDA toolkit, and "
        "`lococ emit ptx` does without");
  llvm::SmallString<128> input, output, log;
  auto removeInput = makeFile("ptx", input);
  if (!removeInput)
    return removeInput.takeError();
  auto removeOutput = makeFile("cubin", output);
  if (!removeOutput)
    return removeOutput.takeError();
  auto removeLog = makeFile("log", log);
  if (!removeLog)
    return removeLog.takeError();
  {
    std::error_code code;
    llvm::raw_fd_ostream os(input, code);
    if (code)
      return llvm::createStringError(code, "`%s` cannot be written",
                                     input.c_str());
    os << ptx;
  }
  std::string architecture = "-arch=" + target.architecture;
  std::optional<llvm::StringRef> redirects[] = {
      std::nullopt, llvm::StringRef(log), llvm::StringRef(log)};
  std::string error;
  int status = llvm::sys::ExecuteAndWait(
      *program,
      {*program, architecture, "-lineinfo", "-v", "-o", output, input},
      std::nullopt, redirects, 0, 0, &error);
  Cubin cubin;
  cubin.report = contentsOf(log);
  if (status != 0)
    return llvm::createStringError(
        "`ptxas` refuses the code for %s: %s", target.architecture.c_str(),
        (error.empty() ? cubin.report : error).c_str());
  cubin.code = contentsOf(output);
  return cubin;
}
