/* Steps made one by one against whole sequences, starts, states, random draws.

   RUN: loco-test-embedding-sequences */

#include "Check.h"

enum { sites = 6, steps = 7, classes = 3 };

static const char *text =
    "loco 1\n"
    "model Net {\n"
    "  lattice ring6 = ring(6)\n"
    "  input x : vector(4) per step\n"
    "  input label : class(3)\n"
    "  input bias : scalar\n"
    "  param gain = 0.5 in (0, 1)\n"
    "  coupling W : conv(3) on ring6\n"
    "  encode q = gaussian(linear(x -> ring6))\n"
    "  state h on ring6\n"
    "  init h = first(sample(q))\n"
    "  step { h <- tanh(W @ h + gain * sample(q) + bias) }\n"
    "  decode y = linear(h -> class(3))\n"
    "  decode last_y = last(y)\n"
    "  loss = cross_entropy(last(y), label)\n"
    "}\n";

static const int64_t shapeOfX[] = {4}, shapeOfH[] = {sites},
                     shapeOfY[] = {classes};

/* Two samples through @Net and through @Net.start, @Net.step. The draws of a
   sample depend on its number, the step and the seed, not on how it is run. */
static void compare(LocoTarget target, LocoElementType precision,
                    double tolerance) {
  LocoModelOptions options = {.size = sizeof(options),
                              .target = target,
                              .precision = precision,
                              .seed = 3};
  LocoModel *model = NULL;
  OK(locoCompileModel("net", text, &options, &model, message));
  if (!model)
    return;

  double x[2][steps][4], bias[2] = {0.1, -0.2}, h[2][steps][sites],
                         y[2][steps][classes];
  int32_t label[2] = {0, 2};
  for (int i = 0; i < 2 * steps * 4; ++i)
    (&x[0][0][0])[i] = sin(1.0 + i);
  uint64_t numbers[2] = {11, 5};
  const int64_t shapeX[] = {2, steps, 4}, shapeH[] = {2, steps, sites},
                shapeY[] = {2, steps, classes}, two[] = {2};
  LocoNamedArray inputs[] = {named("x", arrayOf(x, LOCO_F64, 3, shapeX)),
                             named("label", arrayOf(label, LOCO_I32, 1, two)),
                             named("bias", arrayOf(bias, LOCO_F64, 1, two))};
  LocoNamedArray results[] = {named("h", arrayOf(h, LOCO_F64, 3, shapeH)),
                              named("y", arrayOf(y, LOCO_F64, 3, shapeY))};
  LocoBatch batch = {.size = sizeof(batch),
                     .samples = 2,
                     .steps = steps,
                     .inputs = inputs,
                     .numInputs = 3,
                     .seed = 42,
                     .sampleIndex = numbers};
  OK(locoEvaluateModel(model, &batch, results, 2, NULL, message));

  for (int sample = 0; sample < 2; ++sample) {
    LocoSequence *sequence = NULL;
    OK(locoCreateSequence(model, &sequence, message));
    OK(locoSeedSequence(sequence, 42, numbers[sample], message));
    /* Twice: the second start begins anew. */
    for (int round = 0; round < 2; ++round)
      for (int step = 0; step < steps; ++step) {
        double stepH[sites], stepY[classes];
        LocoNamedArray own[] = {
            named("x", arrayOf(x[sample][step], LOCO_F64, 1, shapeOfX)),
            named("bias", scalarOf(&bias[sample]))};
        /* The bias is per sample: given at the start, it holds. */
        if (step == 0)
          OK(locoStartSequence(sequence, own, 2, message));
        LocoNamedArray wanted[] = {
            named("y", arrayOf(stepY, LOCO_F64, 1, shapeOfY))};
        OK(locoStepSequence(sequence, own, 1, wanted, 1, message));
        LocoArray state = arrayOf(stepH, LOCO_F64, 1, shapeOfH);
        OK(locoGetState(sequence, "h", &state, message));
        for (int i = 0; i < sites; ++i)
          NEAR(stepH[i], h[sample][step][i], tolerance);
        for (int i = 0; i < classes; ++i)
          NEAR(stepY[i], y[sample][step][i], tolerance);
      }
    locoDestroySequence(sequence);
  }
  locoDestroyModel(model);
}

/* A sequence taken up where another one stands: states and number of the step
   are all there is. The model is destroyed before its sequences. */
static void takeUp(void) {
  LocoModelOptions options = {.size = sizeof(options), .precision = LOCO_F64};
  LocoModel *model = NULL;
  LocoSequence *first = NULL, *second = NULL;
  OK(locoCompileModel("net", text, &options, &model, message));
  OK(locoCreateSequence(model, &first, message));
  OK(locoCreateSequence(model, &second, message));
  locoDestroyModel(model);

  double x[4] = {1, 2, 3, 4}, bias = 0, h[sites], other[sites];
  LocoArray state = arrayOf(h, LOCO_F64, 1, shapeOfH),
            otherState = arrayOf(other, LOCO_F64, 1, shapeOfH);
  LocoNamedArray inputs[] = {named("x", arrayOf(x, LOCO_F64, 1, shapeOfX)),
                             named("bias", scalarOf(&bias))};
  OK(locoSeedSequence(first, 1, 2, message));
  OK(locoSeedSequence(second, 1, 2, message));
  OK(locoStartSequence(first, inputs, 2, message));
  for (int step = 0; step < 3; ++step)
    OK(locoStepSequence(first, inputs, 2, NULL, 0, message));
  int64_t number = -1;
  OK(locoGetStepNumber(first, &number, message));
  CHECK(number == 3);
  OK(locoGetState(first, "h", &state, message));
  OK(locoSetState(second, "h", &state, message));
  OK(locoSetStepNumber(second, number, message));
  OK(locoStepSequence(first, inputs, 2, NULL, 0, message));
  OK(locoStepSequence(second, inputs, 2, NULL, 0, message));
  OK(locoGetState(first, "h", &state, message));
  OK(locoGetState(second, "h", &otherState, message));
  CHECK(memcmp(h, other, sizeof(h)) == 0);

  /* The draws are those of the step: another number, other states. */
  OK(locoSetState(second, "h", &state, message));
  OK(locoSetStepNumber(second, 100, message));
  OK(locoStepSequence(first, inputs, 2, NULL, 0, message));
  OK(locoStepSequence(second, inputs, 2, NULL, 0, message));
  OK(locoGetState(first, "h", &state, message));
  OK(locoGetState(second, "h", &otherState, message));
  CHECK(memcmp(h, other, sizeof(h)) != 0);
  locoDestroySequence(first);
  locoDestroySequence(second);
}

/* A model without states still has steps. */
static void stateless(void) {
  LocoModel *model = NULL;
  LocoSequence *sequence = NULL;
  OK(locoCompileModel(NULL,
                      "loco 1\nmodel M {\n  input x : scalar per step\n"
                      "  decode y = 2 * x\n}\n",
                      NULL, &model, message));
  OK(locoCreateSequence(model, &sequence, message));
  double x = 1.5, y = 0;
  LocoNamedArray input = named("x", scalarOf(&x)),
                 output = named("y", scalarOf(&y));
  OK(locoStartSequence(sequence, NULL, 0, message));
  OK(locoStepSequence(sequence, &input, 1, &output, 1, message));
  CHECK(y == 3);
  OK(locoStepSequence(sequence, &input, 1, NULL, 0, message));
  locoDestroyModel(model);
  locoDestroySequence(sequence);
}

int main(void) {
  message = locoCreateMessage();
  compare(LOCO_INTERPRETER, LOCO_F64, 1e-14);
  /* Two schedules of the same operations: sums may be in another order. */
  compare(LOCO_CPU, LOCO_F64, 1e-13);
  compare(LOCO_CPU, LOCO_F32, 1e-5);
  takeUp();
  stateless();
  return finish();
}
