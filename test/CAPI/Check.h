/* What the tests of the C API share. A test counts what went wrong and goes on.
 */

#ifndef TEST_CAPI_CHECK_H
#define TEST_CAPI_CHECK_H

#include "loco-c/loco.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int numFailures = 0;
static LocoMessage *message = NULL;

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      ++numFailures;                                                           \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__,             \
              #condition);                                                     \
    }                                                                          \
  } while (0)

/* That a call goes well. */
#define OK(call) expectAt(__LINE__, (call), LOCO_OK, NULL)

/* That a call fails with this status and exactly this text. */
#define FAILS(call, status, text) expectAt(__LINE__, (call), status, text)

#define NEAR(value, expected, tolerance)                                       \
  nearAt(__LINE__, (value), (expected), (tolerance))

static void expectAt(int line, LocoStatus status, LocoStatus expected,
                     const char *text) {
  const char *found = locoGetMessageText(message);
  if (status == expected && (!text || strcmp(found, text) == 0))
    return;
  ++numFailures;
  fprintf(stderr, "line %d: %s `%s`, expected %s `%s`\n", line,
          locoGetStatusName(status), found, locoGetStatusName(expected),
          text ? text : "");
}

/* Absolute below 1, relative above. */
static inline void nearAt(int line, double value, double expected,
                          double tolerance) {
  if (fabs(value - expected) <= tolerance * fmax(1, fabs(expected)))
    return;
  ++numFailures;
  fprintf(stderr, "line %d: %.17g, expected %.17g\n", line, value, expected);
}

static inline LocoArray arrayOf(void *data, LocoElementType type, int32_t rank,
                                const int64_t *shape) {
  LocoArray array = {data, type, rank, shape, NULL};
  return array;
}

static inline LocoArray scalarOf(double *number) {
  return arrayOf(number, LOCO_F64, 0, NULL);
}

static inline LocoNamedArray named(const char *name, LocoArray array) {
  LocoNamedArray result = {name, array};
  return result;
}

static int finish(void) {
  locoDestroyMessage(message);
  if (numFailures > 0)
    fprintf(stderr, "%d failures\n", numFailures);
  return numFailures > 0;
}

#endif /* TEST_CAPI_CHECK_H */
