/* A data source of a program's own, in C: registered, named, read; and what is
   refused.

   RUN: loco-test-data-plug-in */

#include "loco-c/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Ramp {
  double slope;
  int64_t shape[1];
  LocoDataField field;
} Ramp;

static int numOpen = 0;

static int openRamp(void *context, const LocoDataOption *call, uint64_t seed,
                    void **source, char *message, size_t messageBytes) {
  (void)seed;
  if (call->numArguments != 1 || call->arguments[0].kind != LOCO_DATA_NUMBER) {
    snprintf(message, messageBytes, "`%s` needs a slope", call->text);
    return 1;
  }
  Ramp *ramp = calloc(1, sizeof(Ramp));
  ramp->slope = call->arguments[0].number * *(double *)context;
  ramp->shape[0] = 2;
  ramp->field.name = "x";
  ramp->field.type = LOCO_DATA_F64;
  ramp->field.perStep = LOCO_DATA_PER_STEP;
  ramp->field.shape = ramp->shape;
  ramp->field.rank = 1;
  *source = ramp;
  ++numOpen;
  return 0;
}

static void describeRamp(void *source, LocoDataDescription *description) {
  description->fields = &((Ramp *)source)->field;
  description->numFields = 1;
  description->steps = 3;
}

static int64_t lengthOfRamp(void *source) {
  (void)source;
  return 10;
}

static int readRamp(void *source, uint64_t first, int64_t count,
                    void *const *buffers, char *message, size_t messageBytes) {
  (void)message;
  (void)messageBytes;
  double *x = buffers[0];
  for (int64_t i = 0; i < count * 6; ++i)
    x[i] = ((Ramp *)source)->slope * (double)(first * 6 + (uint64_t)i);
  return 0;
}

static void closeRamp(void *source) {
  free(source);
  --numOpen;
}

static int expect(int condition, const char *what) {
  if (!condition)
    fprintf(stderr, "failed: %s\n", what);
  return !condition;
}

int main(void) {
  char message[200] = "";
  double factor = 2;
  LocoDataInterface ramp = {LOCO_DATA_VERSION, "ramp",       &factor,
                            openRamp,          describeRamp, lengthOfRamp,
                            readRamp,          closeRamp};
  int failed = 0;

  LocoDataInterface other = ramp;
  other.version = 99;
  failed |= expect(locoDataRegister(&other, message, sizeof message) != 0 &&
                       strstr(message, "version 99"),
                   "a foreign version is refused");
  other = ramp;
  other.close = NULL;
  failed |= expect(locoDataRegister(&other, message, sizeof message) != 0 &&
                       strstr(message, "one of its functions"),
                   "a missing function is refused");
  other = ramp;
  other.name = "noise";
  failed |= expect(locoDataRegister(&other, message, sizeof message) != 0 &&
                       strstr(message, "`noise` already"),
                   "a taken name is refused");
  failed |= expect(locoDataRegister(&ramp, message, sizeof message) == 0,
                   "a new source is taken");

  LocoDataOption slope = {0}, call = {0};
  slope.name = "";
  slope.kind = LOCO_DATA_NUMBER;
  slope.number = 0.5;
  call.name = "";
  call.kind = LOCO_DATA_CALL;
  call.text = "ramp";
  const LocoDataInterface *functions;
  void *source;
  failed |= expect(locoDataOpen(&call, 1, &functions, &source, message,
                                sizeof message) != 0 &&
                       strcmp(message, "`ramp` needs a slope") == 0,
                   "the source's own message arrives");
  char tiny[8];
  failed |= expect(
      locoDataOpen(&call, 1, &functions, &source, tiny, sizeof tiny) != 0 &&
          strlen(tiny) == 7,
      "a message is cut to its buffer");
  call.arguments = &slope;
  call.numArguments = 1;
  if (locoDataOpen(&call, 1, &functions, &source, message, sizeof message)) {
    fprintf(stderr, "failed: %s\n", message);
    return 1;
  }
  double values[12];
  void *buffers[1] = {values};
  failed |= expect(functions->readRange(source, 4, 2, buffers, message,
                                        sizeof message) == 0 &&
                       fabs(values[11] - 35) < 1e-12,
                   "samples are read");
  functions->close(source);
  failed |= expect(numOpen == 0, "the source is closed");
  locoDataRemove("ramp");
  failed |= expect(locoDataOpen(&call, 1, &functions, &source, message,
                                sizeof message) != 0 &&
                       strstr(message, "no data source `ramp`"),
                   "a source that was taken back is gone");
  failed |= expect(locoDataRegister(&ramp, message, sizeof message) == 0,
                   "its name is free again");
  return failed;
}
