// What the emulated device says of kernels that do something wrong, each kind of mistake in a kernel of
// its own, beside one that does the same right. Global memory holds 0, 1, 2, ...; of kernels that do
// nothing wrong the first two numbers of it are told.
// RUN: loco-test-emulator %s | FileCheck %s

module attributes {gpu.container_module} {
  gpu.module @kernels {
    llvm.mlir.global external @loco_shared() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>

    // Nothing wrong.
    // CHECK: exchanges: 63.0, 62.0
    gpu.func @exchanges(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %last = arith.constant 63 : i64
      %j = arith.subi %last, %i : i64
      %other = llvm.getelementptr %shared[%j] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %x = llvm.load %at : !llvm.ptr<1> -> f32
      llvm.store %x, %own : f32, !llvm.ptr<3>
      gpu.barrier
      %y = llvm.load %other : !llvm.ptr<3> -> f32
      %b = gpu.block_id x
      %zero = arith.constant 0 : index
      %first = arith.cmpi eq, %b, %zero : index
      scf.if %first {
        llvm.store %y, %at : f32, !llvm.ptr<1>
      }
      gpu.return
    }

    // One element too far.
    // CHECK: beyond_shared: thread 63 of block 0: writes beyond its shared memory
    gpu.func @beyond_shared(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %next = llvm.getelementptr %own[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
      %one = arith.constant 1.0 : f32
      llvm.store %one, %next : f32, !llvm.ptr<3>
      gpu.return
    }

    // The same of memory that the kernel was given.
    // CHECK: beyond_global: thread 63 of block 0: reads beyond its global memory
    gpu.func @beyond_global(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %far = llvm.getelementptr %at[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
      %x = llvm.load %far : !llvm.ptr<1> -> f32
      llvm.store %x, %own : f32, !llvm.ptr<3>
      gpu.return
    }

    // What nobody wrote, in this block.
    // CHECK: unwritten: thread 0 of block 0: reads what nobody has written, at byte 0 of shared memory
    gpu.func @unwritten(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %x = llvm.load %own : !llvm.ptr<3> -> f32
      llvm.store %x, %at : f32, !llvm.ptr<1>
      gpu.return
    }

    // A neighbour's element, without a barrier.
    // CHECK: no_barrier: thread 1 of block 0: reads what another thread writes without a barrier between them, at byte 0 of shared memory
    gpu.func @no_barrier(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %one = arith.constant 1.0 : f32
      llvm.store %one, %own : f32, !llvm.ptr<3>
      %zero = arith.constant 0 : i64
      %isFirst = arith.cmpi eq, %i, %zero : i64
      scf.if %isFirst {
      } else {
        %before = llvm.getelementptr %own[-1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
        %x = llvm.load %before : !llvm.ptr<3> -> f32
      }
      gpu.return
    }

    // Written again while others read it.
    // CHECK: write_after_read: thread 63 of block 0: writes what another thread reads without a barrier between them, at byte 252 of shared memory
    gpu.func @write_after_read(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %last = arith.constant 63 : i64
      %j = arith.subi %last, %i : i64
      %other = llvm.getelementptr %shared[%j] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %one = arith.constant 1.0 : f32
      llvm.store %one, %own : f32, !llvm.ptr<3>
      gpu.barrier
      %x = llvm.load %other : !llvm.ptr<3> -> f32
      %isLast = arith.cmpi eq, %i, %last : i64
      scf.if %isLast {
        llvm.store %x, %own : f32, !llvm.ptr<3>
      }
      gpu.return
    }

    // All to one place.
    // CHECK: two_writers: thread 1 of block 0: writes what another thread writes without a barrier between them, at byte 0 of shared memory
    gpu.func @two_writers(%p: !llvm.ptr<1>) kernel {
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %one = arith.constant 1.0 : f32
      llvm.store %one, %shared : f32, !llvm.ptr<3>
      gpu.return
    }

    // A barrier in a branch.
    // CHECK: some_wait: thread {{.*}}: some threads wait at a barrier that others do not reach
    gpu.func @some_wait(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %half = arith.constant 32 : i64
      %isLower = arith.cmpi ult, %i, %half : i64
      scf.if %isLower {
        gpu.barrier
      }
      gpu.return
    }

    // A sum of global memory that every thread adds to: no two threads may.
    // CHECK: order: the order in which threads run decides
    gpu.func @order(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %x = llvm.load %p : !llvm.ptr<1> -> f32
      %half = arith.constant 0.5 : f32
      %number = arith.sitofp %i : i64 to f32
      %less = arith.mulf %x, %half : f32
      %y = arith.addf %less, %number : f32
      llvm.store %y, %p : f32, !llvm.ptr<1>
      gpu.return
    }

    // Eight bytes from where four may stand.
    // CHECK: odd_address: thread 0 of block 0: reads 8 bytes at an address that is no multiple of that
    gpu.func @odd_address(%p: !llvm.ptr<1>) kernel {
      %odd = llvm.getelementptr %p[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
      %x = llvm.load %odd : !llvm.ptr<1> -> f64
      gpu.return
    }

    // A barrier is no wait for a copy.
    // CHECK: no_wait: thread 0 of block 0: reads what an asynchronous copy brings that was not waited for, at byte 0 of shared memory
    gpu.func @no_wait(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      device.copy_async %at to %own of 4 : <1>, <3>
      device.commit_copies
      gpu.barrier
      %x = llvm.load %own : !llvm.ptr<3> -> f32
      gpu.return
    }

    // A wait is for the own copies only.
    // CHECK: no_barrier_after_copy: thread 0 of block 0: reads what {{.*}}, at byte 252 of shared memory
    gpu.func @no_barrier_after_copy(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %last = arith.constant 63 : i64
      %j = arith.subi %last, %i : i64
      %other = llvm.getelementptr %shared[%j] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      device.copy_async %at to %own of 4 : <1>, <3>
      device.commit_copies
      device.wait_copies 0
      %x = llvm.load %other : !llvm.ptr<3> -> f32
      gpu.return
    }

    // Written while a copy is on its way there.
    // CHECK: overwritten: thread 0 of block 0: writes what an asynchronous copy brings that was not waited for
    gpu.func @overwritten(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %one = arith.constant 1.0 : f32
      device.copy_async %at to %own of 4 : <1>, <3>
      device.commit_copies
      llvm.store %one, %own : f32, !llvm.ptr<3>
      gpu.return
    }

    // All but the last group: the first one may be read, the second not.
    // CHECK: earlier_group: thread 0 of block 0: reads what an asynchronous copy brings that was not waited for, at byte 128 of shared memory
    gpu.func @earlier_group(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %half = arith.constant 32 : i64
      %isLower = arith.cmpi ult, %i, %half : i64
      scf.if %isLower {
        device.copy_async %at to %own of 4 : <1>, <3>
        device.commit_copies
        %later = llvm.getelementptr %own[32] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
        device.copy_async %at to %later of 4 : <1>, <3>
        device.commit_copies
        device.wait_copies 1
        %x = llvm.load %own : !llvm.ptr<3> -> f32
        %y = llvm.load %later : !llvm.ptr<3> -> f32
      }
      gpu.return
    }

    // Copies arrive as late as they may: they bring what was written after they began.
    // CHECK: late: 1.0, 1.0
    gpu.func @late(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %one = arith.constant 1.0 : f32
      device.copy_async %at to %own of 4 : <1>, <3>
      device.commit_copies
      llvm.store %one, %at : f32, !llvm.ptr<1>
      device.wait_copies 0
      %x = llvm.load %own : !llvm.ptr<3> -> f32
      llvm.store %x, %at : f32, !llvm.ptr<1>
      gpu.return
    }

    // Eight bytes from an odd place.
    // CHECK: odd_copy: thread 1 of block 0: copies 8 bytes from or to an address that is no multiple of that
    gpu.func @odd_copy(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %two = arith.constant 1 : i64
      %isLower = arith.cmpi ule, %i, %two : i64
      scf.if %isLower {
        device.copy_async %at to %own of 8 : <1>, <3>
      }
      gpu.return
    }

    // Lanes that exchange with different ones.
    // CHECK: lanes: thread {{.*}}: lanes of warp 0 are in two shuffles
    gpu.func @lanes(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %one = arith.constant 1.0 : f32
      %mine = arith.index_cast %thread : index to i32
      %c1 = arith.constant 1 : i32
      %c32 = arith.constant 32 : i32
      %distance = arith.andi %mine, %c1 : i32
      %x, %valid = gpu.shuffle xor %one, %distance, %c32 : f32
      gpu.return
    }

    // Lanes that do not come.
    // CHECK: absent_lanes: thread {{.*}}: some threads wait at a barrier that others do not reach
    gpu.func @absent_lanes(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %one = arith.constant 1.0 : f32
      %sixteen = arith.constant 16 : i64
      %isLower = arith.cmpi ult, %i, %sixteen : i64
      scf.if %isLower {
        %c1 = arith.constant 1 : i32
        %c32 = arith.constant 32 : i32
        %x, %valid = gpu.shuffle xor %one, %c1, %c32 : f32
      }
      gpu.return
    }

    // Another block's memory, after a barrier of the cluster.
    // CHECK: cluster: 1.0, 1.0
    gpu.func @cluster(%p: !llvm.ptr<1>) kernel attributes {loco.blocks_together = 2 : i32} {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %at = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %last = arith.constant 63 : i64
      %j = arith.subi %last, %i : i64
      %other = llvm.getelementptr %shared[%j] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %one = arith.constant 1.0 : f32
      llvm.store %one, %own : f32, !llvm.ptr<3>
      device.cluster_barrier
      %rank = arith.constant 1 : i32
      %there = device.remote %other in %rank : <3> to <7>
      %x = llvm.load %there : !llvm.ptr<7> -> f32
      llvm.store %x, %at : f32, !llvm.ptr<1>
      gpu.return
    }

    // After one of the block.
    // CHECK: own_barrier: thread {{[0-9]+}} of block 0: reads what {{nobody has written|another thread writes without a barrier between them}}, at byte {{[0-9]+}} of shared memory
    gpu.func @own_barrier(%p: !llvm.ptr<1>) kernel attributes {loco.blocks_together = 2 : i32} {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %last = arith.constant 63 : i64
      %j = arith.subi %last, %i : i64
      %other = llvm.getelementptr %shared[%j] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %one = arith.constant 1.0 : f32
      llvm.store %one, %own : f32, !llvm.ptr<3>
      gpu.barrier
      %rank = arith.constant 1 : i32
      %there = device.remote %other in %rank : <3> to <7>
      %x = llvm.load %there : !llvm.ptr<7> -> f32
      gpu.return
    }

    // There are two blocks, number 0 and 1.
    // CHECK: no_such_block: thread 0 of block 0: there is no block 2 in its cluster
    gpu.func @no_such_block(%p: !llvm.ptr<1>) kernel attributes {loco.blocks_together = 2 : i32} {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %last = arith.constant 63 : i64
      %j = arith.subi %last, %i : i64
      %other = llvm.getelementptr %shared[%j] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %one = arith.constant 1.0 : f32
      llvm.store %one, %own : f32, !llvm.ptr<3>
      device.cluster_barrier
      %rank = arith.constant 2 : i32
      %there = device.remote %other in %rank : <3> to <7>
      %x = llvm.load %there : !llvm.ptr<7> -> f32
      gpu.return
    }

    // Two groups of 32 threads, each of which waits for itself: one reads what the other writes.
    // CHECK: groups: thread {{[0-9]+}} of block 0: reads what {{nobody has written|another thread writes without a barrier between them}}, at byte {{[0-9]+}} of shared memory
    gpu.func @groups(%p: !llvm.ptr<1>) kernel {
      %thread = gpu.thread_id x
      %i = arith.index_cast %thread : index to i64
      %shared = llvm.mlir.addressof @loco_shared : !llvm.ptr<3>
      %own = llvm.getelementptr %shared[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %last = arith.constant 63 : i64
      %j = arith.subi %last, %i : i64
      %other = llvm.getelementptr %shared[%j] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %one = arith.constant 1.0 : f32
      llvm.store %one, %own : f32, !llvm.ptr<3>
      %mine = arith.index_cast %thread : index to i32
      %c32 = arith.constant 32 : i32
      %group = arith.divui %mine, %c32 : i32
      device.group_barrier %group of 32
      %x = llvm.load %other : !llvm.ptr<3> -> f32
      gpu.return
    }

    // A thread in the other group's barrier.
    // CHECK: wrong_group: thread 0 of block 0: waits for a group that is not its own
    gpu.func @wrong_group(%p: !llvm.ptr<1>) kernel {
      %c1 = arith.constant 1 : i32
      device.group_barrier %c1 of 32
      gpu.return
    }
  }
}
