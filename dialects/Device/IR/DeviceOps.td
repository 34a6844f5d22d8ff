//===- DeviceOps.td - What kernels of a GPU do beyond gpu --*- tablegen -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DEVICE_OPS_TD
#define DEVICE_OPS_TD

include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def DeviceDialect : Dialect {
  let name = "device";
  let cppNamespace = "::loco::device";
  let summary = "what kernels of a GPU need and the gpu dialect lacks";
  let description = [{
    Barriers of other threads than those of a block, and shared memory of other
    blocks. Each op has two lowerings: to instructions of NVIDIA's GPUs
    (`compiler/Target/NVPTX`), and to calls of the emulator of the tests
    (`test/Emulator`).
  }];
}

class Device_Op<string mnemonic, list<Trait> traits = []> :
    Op<DeviceDialect, mnemonic, traits>;

def Device_GroupBarrierOp : Device_Op<"group_barrier"> {
  let summary = "waits for some of a block's threads";
  let description = [{
    Threads `group * threads` to `(group + 1) * threads - 1` of the block wait for
    each other; a warp or several, at most 15 groups of more than one warp.
  }];
  let arguments = (ins I32:$group, I64Attr:$threads);
  let assemblyFormat = "$group `of` $threads attr-dict";
}

def Device_ClusterBarrierOp : Device_Op<"cluster_barrier"> {
  let summary = "waits for all threads of a cluster of blocks";
  let assemblyFormat = "attr-dict";
}

def Device_GridBarrierOp : Device_Op<"grid_barrier"> {
  let summary = "waits for all threads of several blocks of a grid";
  let description = [{
    `counter` is the address of eight bytes in global memory, zero when the
    kernel starts, that no other blocks use. All `blocks` blocks that meet there
    must run at the same time.
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$counter, I64Attr:$blocks);
  let assemblyFormat = "$counter `of` $blocks attr-dict `:` type($counter)";
}

def Device_RemoteOp : Device_Op<"remote", [Pure]> {
  let summary = "an address in the shared memory of another block of the cluster";
  let description = [{
    What `pointer` is in this block's shared memory, in that of the block with
    number `rank` within the cluster.
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<3>:$pointer, I32:$rank);
  let results = (outs LLVM_PointerInAddressSpace<7>:$result);
  let assemblyFormat = "$pointer `in` $rank attr-dict `:` type($pointer) `to` type($result)";
}

def Device_PinOp : Device_Op<"pin", [Pure, AllTypesMatch<["pointer", "result"]>]> {
  let summary = "an address that is not followed back to what it was made of";
  let description = [{
    Without it an address that grows from step to step becomes as many counters,
    each in registers, as there are places relative to it that are read.
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer);
  let results = (outs LLVM_PointerInAddressSpace<1>:$result);
  let assemblyFormat = "$pointer attr-dict `:` type($pointer)";
}

def Device_HereOp : Device_Op<"here", [AllTypesMatch<["value", "result"]>]> {
  let summary = "a number that is computed before anything that follows";
  let description = [{
    Sums of many terms that are used much later would otherwise be added up there,
    with all their terms in registers until then.
  }];
  let arguments = (ins AnyFloat:$value);
  let results = (outs AnyFloat:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // DEVICE_OPS_TD
