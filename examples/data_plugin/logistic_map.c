/* A data source of one's own, in C: sequences of the logistic map,
   x' = r x (1 - x), each from a start of its own.

     cc -O2 -shared -fPIC -I runtime/include -o liblogistic_map.so \
       examples/data_plugin/logistic_map.c

   and in a program:

     data plugin("liblogistic_map.so", steps = 20, r = 3.9)

   runtime/include/loco-c/data.h is the manual. */

#include "loco-c/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Map {
  double r;
  int64_t steps;
  uint64_t seed;
  LocoDataField field;
} Map;

static int openMap(void *context, const LocoDataOption *call, uint64_t seed,
                   void **source, char *message, size_t messageBytes) {
  double r = 3.9, steps = 20;
  (void)context;
  for (int64_t i = 0; i < call->numArguments; ++i) {
    const LocoDataOption *option = &call->arguments[i];
    double *target = strcmp(option->name, "r") == 0       ? &r
                     : strcmp(option->name, "steps") == 0 ? &steps
                                                          : NULL;
    if (!target || option->kind != LOCO_DATA_NUMBER) {
      snprintf(message, messageBytes,
               "the logistic map has no use for `%s`; it has the numbers `r` "
               "and `steps`",
               option->name);
      return 1;
    }
    *target = option->number;
  }
  if (!(r > 0 && r <= 4) || !(steps >= 1 && steps <= 1e6)) {
    snprintf(message, messageBytes, "`r` is in (0, 4], `steps` at least 1");
    return 1;
  }
  Map *map = calloc(1, sizeof(Map));
  if (!map) {
    snprintf(message, messageBytes, "out of memory");
    return 1;
  }
  map->r = r;
  map->steps = (int64_t)steps;
  map->seed = seed;
  map->field.name = "x";
  map->field.type = LOCO_DATA_F32;
  map->field.perStep = LOCO_DATA_PER_STEP;
  *source = map;
  return 0;
}

static void describeMap(void *source, LocoDataDescription *description) {
  Map *map = source;
  description->fields = &map->field;
  description->numFields = 1;
  description->steps = map->steps;
}

static int64_t lengthOfMap(void *source) {
  (void)source;
  return LOCO_DATA_INFINITE;
}

/* A number in (0, 1) that depends on the seed and the sample alone (the
   finalizer of splitmix64): samples do not depend on what was read before. */
static double start(uint64_t seed, uint64_t sample) {
  uint64_t bits = seed + (sample + 1) * 0x9e3779b97f4a7c15u;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return ((double)((bits ^ (bits >> 31)) >> 12) + 0.5) / 4503599627370496.0;
}

static int readMap(void *source, uint64_t first, int64_t count,
                   void *const *buffers, char *message, size_t messageBytes) {
  Map *map = source;
  float *out = buffers[0];
  (void)message;
  (void)messageBytes;
  for (int64_t i = 0; out && i < count; ++i) {
    double x = start(map->seed, first + (uint64_t)i);
    for (int64_t step = 0; step < map->steps; ++step) {
      *out++ = (float)x;
      x = map->r * x * (1 - x);
    }
  }
  return 0;
}

const LocoDataInterface *locoDataPlugin(void) {
  static const LocoDataInterface functions = {
      LOCO_DATA_VERSION, "logistic_map", NULL,    openMap,
      describeMap,       lengthOfMap,    readMap, free};
  return &functions;
}
