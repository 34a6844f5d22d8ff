//===- SplitCode.cpp - Object code, made by several threads --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM works on one module in one thread, and on modules of different contexts
// at the same time. So the functions of a large module are dealt out to parts,
// as bitcode, each of which a thread reads into a context of its own. No pass
// of ours looks from one function into another, so the code of a function does
// not depend on who else is in its part.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/CPU/CPUTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

using namespace loco;

/// Instructions from which a part is worth a thread, bitcode and a machine of
/// its own, which take a millisecond: some 6 ms of work.
static constexpr int64_t smallestPart = 600;

static int64_t countInstructions(const llvm::Function &function) {
  int64_t count = 0;
  for (const llvm::BasicBlock &block : function)
    count += block.size();
  return count;
}

/// Deals out the functions with bodies, the largest first, each to the part
/// that has least. Work grows a little faster than size.
static llvm::DenseMap<const llvm::GlobalValue *, unsigned>
divide(const llvm::Module &module, unsigned numParts) {
  llvm::SmallVector<std::pair<int64_t, const llvm::Function *>> functions;
  for (const llvm::Function &function : module)
    if (!function.isDeclaration())
      functions.push_back({countInstructions(function), &function});
  llvm::stable_sort(functions,
                    [](auto &a, auto &b) { return a.first > b.first; });
  llvm::SmallVector<int64_t> load(numParts, 0);
  llvm::DenseMap<const llvm::GlobalValue *, unsigned> parts;
  for (auto [size, function] : functions) {
    unsigned least = llvm::min_element(load) - load.begin();
    parts[function] = least;
    load[least] += size;
  }
  return parts;
}

/// Several for each thread: how long a part takes is known only roughly, and
/// the first ones are worked on while others are still being written.
static constexpr int64_t partsPerThread = 3;

static unsigned chooseThreads() {
  return llvm::hardware_concurrency().compute_thread_count();
}

static unsigned chooseParts(const llvm::Module &module) {
  int64_t instructions = 0, functions = 0;
  for (const llvm::Function &function : module) {
    instructions += countInstructions(function);
    functions += !function.isDeclaration();
  }
  int64_t most = std::min<int64_t>(instructions / smallestPart, functions);
  int64_t threads = chooseThreads();
  return threads == 1 ? 1
                      : std::clamp<int64_t>(most, 1, threads * partsPerThread);
}

static llvm::Expected<std::string> emitOne(llvm::Module &module,
                                           const CPUTarget &target) {
  std::unique_ptr<llvm::TargetMachine> machine = target.makeMachine();
  if (!machine)
    return llvm::createStringError("LLVM does not know `%s`",
                                   target.triple.c_str());
  simplify(module, *machine);
  auto code =
      emitMachineCode(module, *machine, llvm::CodeGenFileType::ObjectFile);
  return std::string(code.begin(), code.end());
}

/// The part of `module` with the given number, as bitcode.
static std::string
writePart(const llvm::Module &module, unsigned number,
          const llvm::DenseMap<const llvm::GlobalValue *, unsigned> &parts) {
  llvm::ValueToValueMapTy map;
  // Constants are small; the first part has them.
  std::unique_ptr<llvm::Module> part =
      llvm::CloneModule(module, map, [&](const llvm::GlobalValue *value) {
        return parts.lookup(value) == number;
      });
  std::string bitcode;
  llvm::raw_string_ostream os(bitcode);
  llvm::WriteBitcodeToFile(*part, os);
  return bitcode;
}

static llvm::Expected<std::string> readAndEmit(llvm::StringRef bitcode,
                                               const CPUTarget &target) {
  llvm::LLVMContext context;
  auto module =
      llvm::parseBitcodeFile(llvm::MemoryBufferRef(bitcode, "part"), context);
  if (!module)
    return module.takeError();
  return emitOne(**module, target);
}

namespace {
/// Parts that wait for a thread. They are made in the order in which they are
/// added, whoever makes them.
class PartQueue {
public:
  PartQueue(unsigned numParts, const CPUTarget &target)
      : made(numParts), problems(numParts), target(target) {}

  void add(std::string part) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      bitcode.push_back(std::move(part));
    }
    changed.notify_one();
  }

  /// Makes one part after the other until all are taken.
  void work() {
    std::unique_lock<std::mutex> lock(mutex);
    while (taken < made.size()) {
      size_t number = taken++;
      changed.wait(lock, [&] { return bitcode.size() > number; });
      std::string part = std::move(bitcode[number]);
      lock.unlock();
      auto object = readAndEmit(part, target);
      if (object)
        made[number] = std::move(*object);
      else
        problems[number] = llvm::toString(object.takeError());
      lock.lock();
    }
  }

  /// By number of the part.
  std::vector<std::string> made, problems;

private:
  const CPUTarget &target;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> bitcode;
  size_t taken = 0;
};
} // namespace

static void pack(std::string &objects, llvm::StringRef object) {
  char size[sizeof(uint64_t)];
  llvm::support::endian::write64le(size, object.size());
  objects.append(size, sizeof size);
  objects += object;
}

llvm::Expected<std::string>
loco::emitObjects(std::unique_ptr<llvm::Module> module,
                  const CPUTarget &target) {
  std::string objects;
  unsigned numParts = chooseParts(*module);
  if (numParts == 1) {
    auto object = emitOne(*module, target);
    if (!object)
      return object.takeError();
    pack(objects, *object);
    return objects;
  }
  // Parts see each other's functions and constants, wherever they are loaded.
  for (llvm::GlobalValue &value : module->global_values())
    if (value.hasLocalLinkage()) {
      value.setLinkage(llvm::GlobalValue::ExternalLinkage);
      value.setDSOLocal(false);
    }
  auto parts = divide(*module, numParts);
  // LLVM's list of targets is filled before others read it.
  (void)target.makeMachine();
  PartQueue queue(numParts, target);
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < std::min(chooseThreads(), numParts); ++i)
    threads.emplace_back([&] { queue.work(); });
  for (unsigned i = 0; i < numParts; ++i)
    queue.add(writePart(*module, i, parts));
  module.reset();
  queue.work();
  for (std::thread &thread : threads)
    thread.join();
  for (unsigned i = 0; i < numParts; ++i) {
    if (!queue.problems[i].empty())
      return llvm::createStringError(queue.problems[i]);
    pack(objects, queue.made[i]);
  }
  return objects;
}

llvm::SmallVector<llvm::StringRef>
loco::unpackObjects(llvm::StringRef objects) {
  llvm::SmallVector<llvm::StringRef> unpacked;
  while (objects.size() >= sizeof(uint64_t)) {
    uint64_t size = llvm::support::endian::read64le(objects.data());
    objects = objects.drop_front(sizeof(uint64_t));
    unpacked.push_back(objects.take_front(size));
    objects = objects.drop_front(std::min<uint64_t>(size, objects.size()));
  }
  return unpacked;
}
