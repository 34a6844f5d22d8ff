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
    Barriers of other threads than those of a block, shared memory of other blocks,
    products of matrices by a warp. Each op has two lowerings: to instructions of NVIDIA's GPUs
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

def Device_CopyAsyncOp : Device_Op<"copy_async"> {
  let summary = "starts to copy from global to shared memory";
  let description = [{
    `bytes` are 4, 8 or 16; both addresses are multiples of that. What is at `to` is
    nobody's until the thread has waited for the copy; what is at `from` stays as it
    is. Other threads see the copy after a barrier behind that.
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<3>:$to,
                       LLVM_PointerInAddressSpace<1>:$from, I64Attr:$bytes);
  let assemblyFormat = "$from `to` $to `of` $bytes attr-dict `:` type($from) `,` type($to)";
}

def Device_PrefetchOp : Device_Op<"prefetch"> {
  let summary = "brings what is at an address into a cache";
  let description = [{
    Nothing waits for it, and nothing but time depends on it.
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer);
  let assemblyFormat = "$pointer attr-dict `:` type($pointer)";
}

def Device_CommitCopiesOp : Device_Op<"commit_copies"> {
  let summary = "the thread's copies since the last commit are one group";
  let assemblyFormat = "attr-dict";
}

def Device_WaitCopiesOp : Device_Op<"wait_copies"> {
  let summary = "waits for all groups of the thread's copies but the last `pending`";
  let arguments = (ins I64Attr:$pending);
  let assemblyFormat = "$pending attr-dict";
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
    with all their terms in registers until then. What is made of a whole number in
    a loop is made there, not kept in registers from before the loop.
  }];
  let arguments = (ins AnyTypeOf<[AnyFloat, I32]>:$value);
  let results = (outs AnyTypeOf<[AnyFloat, I32]>:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Device_MultiplyOp : Device_Op<"multiply", [AllTypesMatch<["sum", "result"]>]> {
  let summary = "a product of small matrices, by all lanes of a warp together";
  let description = [{
    `result = left * right + sum` of a matrix [16, K], one [K, 8] and one [16, 8],
    of which each of the warp's 32 lanes holds some elements, its fragment. `left`
    and `right` say which numbers are multiplied; sums are f32.

    | left | right | K | instruction |
    | --- | --- | --- | --- |
    | vector<4xf32> | vector<2xf32> | 8 | mma.m16n8k8, tf32 |
    | vector<8xbf16> | vector<4xbf16> | 16 | mma.m16n8k16, bf16 |

    With `g = lane / 4`, `t = lane mod 4` and `w` numbers to a register (1, or 2 of
    bf16), element `e` of a lane's fragment is

    - left: row `g + 8 (e / w mod 2)`, column `w t + e mod w + 4 w (e / (2 w))`;
    - right: row `w t + e mod w + 4 w (e / w)`, column `g`;
    - sum: row `g + 8 (e / 2)`, column `2 t + e mod 2`.

    Of f32 numbers the upper 19 bits are read: `device.round_tf32` rounds to these.
    Products are exact. In which order and with how many bits beyond f32 they are
    added is the device's.
  }];
  let arguments = (ins AnyTypeOf<[VectorOfLengthAndType<[4], [F32]>,
                                  VectorOfLengthAndType<[8], [BF16]>]>:$left,
                       AnyTypeOf<[VectorOfLengthAndType<[2], [F32]>,
                                  VectorOfLengthAndType<[4], [BF16]>]>:$right,
                       VectorOfLengthAndType<[4], [F32]>:$sum);
  let results = (outs VectorOfLengthAndType<[4], [F32]>:$result);
  let assemblyFormat = [{
    $left `by` $right `to` $sum attr-dict `:` type($left) `,` type($right) `,` type($sum)
  }];
  let hasVerifier = 1;
}

def Device_RoundTF32Op : Device_Op<"round_tf32", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "the nearest number of 11 significant bits; of two, that further from zero";
  let arguments = (ins F32:$value);
  let results = (outs F32:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // DEVICE_OPS_TD
