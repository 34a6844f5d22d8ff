/* A thousand models made and destroyed need no more memory than a hundred.

   UNSUPPORTED: address-sanitizer
   RUN: loco-test-embedding-lifetimes-slow */

#include "Check.h"

static const char *text = "loco 1\n"
                          "model M {\n"
                          "  lattice ring8 = ring(8)\n"
                          "  input x : scalar per step\n"
                          "  coupling W : conv(3) on ring8\n"
                          "  state h on ring8 = 0\n"
                          "  step { h <- tanh(W @ h + x) }\n"
                          "}\n";

/* Resident memory in KiB. */
static long residentKilobytes(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long size = -1;
  while (file && fgets(line, sizeof(line), file))
    if (sscanf(line, "VmRSS: %ld", &size) == 1)
      break;
  if (file)
    fclose(file);
  return size;
}

/* One life; `steps` generates code, which takes longer. */
static void live(LocoTarget target, int steps) {
  LocoModelOptions options = {.size = sizeof(options), .target = target};
  LocoModel *model = NULL, *wrong = NULL;
  LocoSequence *sequence = NULL;
  OK(locoCompileModel("m", text, &options, &model, message));
  FAILS(locoCompileModel("m", "loco 1\nmodel M { state }", &options, &wrong,
                         message),
        LOCO_COMPILE_ERROR, NULL);
  CHECK(!wrong);
  OK(locoCreateSequence(model, &sequence, message));
  double x = 1;
  LocoNamedArray input = named("x", scalarOf(&x));
  if (steps > 0)
    OK(locoStartSequence(sequence, NULL, 0, message));
  for (int step = 0; step < steps; ++step)
    OK(locoStepSequence(sequence, &input, 1, NULL, 0, message));
  locoDestroyModel(model);
  locoDestroySequence(sequence);
}

static void repeat(int count, LocoTarget target, int steps, long allowed) {
  for (int i = 0; i < count / 10; ++i)
    live(target, steps);
  long before = residentKilobytes();
  for (int i = 0; i < count - count / 10; ++i)
    live(target, steps);
  long after = residentKilobytes();
  if (after - before <= allowed)
    return;
  ++numFailures;
  fprintf(stderr, "%d lives: %ld KiB, then %ld KiB\n", count, before, after);
}

int main(void) {
  message = locoCreateMessage();
  /* A leak of the program's text and tree would be more than 20 MB. */
  repeat(1000, LOCO_INTERPRETER, 2, 8 * 1024);
  /* With code for the start and the step: 60 KB a life would be found. */
  repeat(150, LOCO_CPU, 2, 8 * 1024);
  return finish();
}
