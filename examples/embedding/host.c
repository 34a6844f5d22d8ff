/* Compiles a model, sets its parameters, drives it, reads its states. */

#include <loco-c/loco.h>
#include <stdio.h>
#include <stdlib.h>

static const char *text =
    "loco 1\n"
    "model Oscillator {\n"
    "  input drive : scalar per step\n"
    "  const dt = 0.01\n"
    "  param omega = 1 in (0, inf)\n"
    "  param alpha = 0\n"
    "  state z with velocity v = 0\n"
    "  dynamics { z'' = drive - omega^2 * z - alpha * v }\n"
    "  solve symplectic_euler(dt)\n"
    "}\n";

static LocoMessage *message;

/* Ends the program if a call has failed. */
static void check(LocoStatus status) {
  if (status == LOCO_OK)
    return;
  fprintf(stderr, "%s: %s\n", locoGetStatusName(status),
          locoGetMessageText(message));
  exit(1);
}

/* A number of ours, as the library takes it: no axes, so no shape. */
static LocoArray scalar(double *number) {
  LocoArray array = {.data = number, .type = LOCO_F64};
  return array;
}

int main(void) {
  message = locoCreateMessage();
  LocoModelOptions options = {.size = sizeof(options), .precision = LOCO_F64};
  LocoModel *model;
  check(locoCompileModel("oscillator", text, &options, &model, message));
  double omega = 2, alpha = 0.3, drive = 0, z, v;
  LocoArray toOmega = scalar(&omega), toAlpha = scalar(&alpha);
  check(locoSetParameter(model, "omega", &toOmega, message));
  check(locoSetParameter(model, "alpha", &toAlpha, message));

  LocoSequence *sequence;
  check(locoCreateSequence(model, &sequence, message));
  check(locoStartSequence(sequence, NULL, 0, message));
  LocoNamedArray input = {"drive", scalar(&drive)};
  LocoNamedArray states[] = {{"z", scalar(&z)}, {"v", scalar(&v)}};
  for (int step = 0; step < 1000; ++step) {
    drive = step < 300 ? 1.5 : 0; /* a push, then none */
    check(locoStepSequence(sequence, &input, 1, states, 2, message));
    if (step % 100 == 99)
      printf("%4d  z = %.15f  v = %.15f\n", step + 1, z, v);
  }
  locoDestroySequence(sequence);
  locoDestroyModel(model);
  locoDestroyMessage(message);
}
