//===- LocoToKernels.cpp - From functions of a sample to CPU kernels ------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/LocoToKernels.h"
#include "compiler/Conversion/LocoToKernels/Emitter.h"

using namespace mlir;
using namespace loco;

FailureOr<func::FuncOp>
loco::emitKernel(ModuleOp module, const Schedule &schedule, StringRef name) {
  OpBuilder builder(module.getBodyRegion());
  builder.setInsertionPointToEnd(module.getBody());
  return Emitter(schedule, builder).emitKernel(name);
}

std::string loco::describeSchedule(const Schedule &schedule) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::function<void(const BlockPlan &, unsigned)> print =
      [&](const BlockPlan &plan, unsigned indent) {
        for (const Group &group : plan.groups) {
          os.indent(indent) << "level " << group.level << " ";
          if (group.solo) {
            os << group.solo->getName()
               << (group.product ? " as matrix product" : "") << "\n";
            auto scan = schedule.scans.find(group.solo);
            if (scan != schedule.scans.end())
              print(scan->second->body, indent + 2);
            continue;
          }
          os << "[";
          llvm::interleaveComma(group.shape, os, [&](int64_t extent) {
            isKnownLength(extent)    ? (os << extent)
            : extent == segmentSteps ? (os << "segment")
            : extent == segmentCount ? (os << "segments")
                                     : (os << "steps");
          });
          os << "] " << group.ops.size() << " ops, " << group.roots.size()
             << " stored" << (group.flat ? ", one row" : "");
          if (group.tileAxis >= 0)
            os << ", tiles of " << group.tileRows << " along axis "
               << group.tileAxis;
          os << "\n";
        }
      };
  print(schedule.top, 0);
  if (schedule.windowLoops)
    os << "windows of convolutions row by row\n";
  os << "arena " << schedule.arena.constant << " + " << schedule.arena.perSample
     << " samples + " << schedule.arena.perStep << " steps + "
     << schedule.arena.perSampleStep << " samples steps bytes\n";
  if (schedule.segmentExtents.size())
    os << "segments " << schedule.arena.perSegment << " + "
       << schedule.arena.perSampleSegment << " samples each + "
       << schedule.arena.perSegmentStep << " + "
       << schedule.arena.perSampleSegmentStep << " samples a step bytes\n";
  return text;
}
