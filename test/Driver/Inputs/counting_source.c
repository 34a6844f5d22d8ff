/*===- counting_source.c - Allocations between two batches ----------------===*\
|*                                                                            *|
|* Part of loco, under the Apache License v2.0 with LLVM Exceptions.          *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

/* Preloaded it counts what the process allocates; as a data source it knows
   when: from the reading of one batch to that of a later one. Both lie within
   training, so what is taken before and after does not count.

   A batch is read in the background, two ahead of the one at work. */

#define _GNU_SOURCE
#include "loco-c/data.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The allocator behind the one that is replaced here: glibc's. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

/* Bytes from which an allocation is no bookkeeping. */
static const size_t large = 4096;

static atomic_long allocations, largeAllocations, largestBytes;

static void count(size_t bytes) {
  atomic_fetch_add(&allocations, 1);
  if (bytes < large)
    return;
  atomic_fetch_add(&largeAllocations, 1);
  long known = atomic_load(&largestBytes);
  while ((long)bytes > known &&
         !atomic_compare_exchange_weak(&largestBytes, &known, (long)bytes)) {
  }
}

void *malloc(size_t bytes) {
  count(bytes);
  return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes) {
  count(number * bytes);
  return __libc_calloc(number, bytes);
}

void *realloc(void *memory, size_t bytes) {
  count(bytes);
  return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
  count(bytes);
  return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  return memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  *memory = memalign(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int file,
           off_t offset) {
  static void *(*next)(void *, size_t, int, int, int, off_t);
  if (!next)
    *(void **)&next = dlsym(RTLD_NEXT, "mmap");
  count(bytes);
  return next(address, bytes, protection, flags, file, offset);
}

/* The data: fields of zeros, per step. */

typedef struct Source {
  LocoDataField field;
  int64_t shape[2], steps, first, last, batches;
} Source;

static int openSource(void *context, const LocoDataOption *call, uint64_t seed,
                      void **source, char *message, size_t messageBytes) {
  (void)context, (void)seed, (void)message, (void)messageBytes;
  Source *made = calloc(1, sizeof(Source));
  for (int64_t i = 0; i < call->numArguments; ++i) {
    const LocoDataOption *option = &call->arguments[i];
    int64_t value = (int64_t)option->number;
    if (strcmp(option->name, "side") == 0)
      made->shape[0] = made->shape[1] = value;
    else if (strcmp(option->name, "steps") == 0)
      made->steps = value;
    else if (strcmp(option->name, "first") == 0)
      made->first = value;
    else if (strcmp(option->name, "last") == 0)
      made->last = value;
  }
  made->field = (LocoDataField){
      "x", LOCO_DATA_F32, LOCO_DATA_PER_STEP, made->shape, 2, 0};
  *source = made;
  return 0;
}

static void describeSource(void *source, LocoDataDescription *description) {
  Source *of = source;
  *description = (LocoDataDescription){&of->field, 1, of->steps};
}

static int64_t lengthOfSource(void *source) {
  (void)source;
  return LOCO_DATA_INFINITE;
}

static int readSource(void *source, uint64_t first, int64_t samples,
                      void *const *buffers, char *message,
                      size_t messageBytes) {
  (void)first, (void)message, (void)messageBytes;
  Source *of = source;
  static long before, largeBefore;
  ++of->batches;
  if (of->batches == of->first) {
    before = atomic_load(&allocations);
    largeBefore = atomic_load(&largeAllocations);
    atomic_store(&largestBytes, 0);
  } else if (of->batches == of->last) {
    fprintf(stderr,
            "allocations: %ld, of %zu bytes or more: %ld, largest: %ld\n",
            atomic_load(&allocations) - before, large,
            atomic_load(&largeAllocations) - largeBefore,
            atomic_load(&largestBytes));
  }
  if (buffers[0])
    memset(buffers[0], 0,
           sizeof(float) *
               (size_t)(samples * of->steps * of->shape[0] * of->shape[1]));
  return 0;
}

static void closeSource(void *source) { free(source); }

const LocoDataInterface *locoDataPlugin(void) {
  static const LocoDataInterface functions = {
      LOCO_DATA_VERSION, "counting",     NULL,       openSource,
      describeSource,    lengthOfSource, readSource, closeSource};
  return &functions;
}
