//===- Link.cpp - Loading object code into this process -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/JIT/CompiledKernel.h"
#include "compiler/Target/CPU/CPUTarget.h"

#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

#include <cmath>
#include <cstring>

using namespace loco;

/// What object code may refer to: memory functions, and libm for f64 and the
/// rarer functions of f32.
static llvm::orc::SymbolMap
runtimeSymbols(llvm::orc::MangleAndInterner mangle) {
  llvm::orc::SymbolMap symbols;
  auto define = [&](const char *name, auto *address) {
    symbols[mangle(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                             llvm::JITSymbolFlags::Exported |
                                 llvm::JITSymbolFlags::Callable};
  };
  define("memcpy", &::memcpy);
  define("memset", &::memset);
  define("memmove", &::memmove);
  define("locoNestDone", &nestDone);
#define LOCO_LIBM(name)                                                        \
  define(#name, static_cast<double (*)(double)>(&::name));                     \
  define(#name "f", static_cast<float (*)(float)>(&::name##f));
  LOCO_LIBM(tanh)
  LOCO_LIBM(exp)
  LOCO_LIBM(expm1)
  LOCO_LIBM(exp2)
  LOCO_LIBM(log)
  LOCO_LIBM(log1p)
  LOCO_LIBM(log2)
  LOCO_LIBM(log10)
  LOCO_LIBM(sin)
  LOCO_LIBM(cos)
  LOCO_LIBM(tan)
  LOCO_LIBM(sinh)
  LOCO_LIBM(cosh)
  LOCO_LIBM(asin)
  LOCO_LIBM(acos)
  LOCO_LIBM(atan)
  LOCO_LIBM(asinh)
  LOCO_LIBM(acosh)
  LOCO_LIBM(atanh)
  LOCO_LIBM(erf)
  LOCO_LIBM(erfc)
  LOCO_LIBM(cbrt)
  LOCO_LIBM(floor)
  LOCO_LIBM(ceil)
  LOCO_LIBM(round)
  LOCO_LIBM(roundeven)
  LOCO_LIBM(trunc)
#undef LOCO_LIBM
  define("pow", static_cast<double (*)(double, double)>(&::pow));
  define("powf", static_cast<float (*)(float, float)>(&::powf));
  define("atan2", static_cast<double (*)(double, double)>(&::atan2));
  define("atan2f", static_cast<float (*)(float, float)>(&::atan2f));
  define("fma", static_cast<double (*)(double, double, double)>(&::fma));
  define("fmaf", static_cast<float (*)(float, float, float)>(&::fmaf));
  define("fmod", static_cast<double (*)(double, double)>(&::fmod));
  define("fmodf", static_cast<float (*)(float, float)>(&::fmodf));
  return symbols;
}

llvm::Expected<std::unique_ptr<CompiledKernel>>
loco::linkObject(const KernelObject &object) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  auto &library = (*jit)->getMainJITDylib();
  llvm::orc::MangleAndInterner mangle((*jit)->getExecutionSession(),
                                      (*jit)->getDataLayout());
  if (auto error =
          library.define(llvm::orc::absoluteSymbols(runtimeSymbols(mangle))))
    return std::move(error);
  for (llvm::StringRef file : unpackObjects(object.code))
    if (auto error = (*jit)->addObjectFile(
            llvm::MemoryBuffer::getMemBufferCopy(file, "kernel")))
      return std::move(error);
  auto address = (*jit)->lookup("kernel");
  if (!address)
    return address.takeError();
  auto compiled = std::make_unique<CompiledKernel>();
  compiled->kernel = object.kernel;
  compiled->kernel.function = address->toPtr<LocoKernel>();
  compiled->explain = object.explain;
  compiled->code = std::move(*jit);
  return compiled;
}
