/* Losses, gradients, parameters and files: what a training loop of a program's
   own needs.

   RUN: rm -rf %t && mkdir %t && cd %t && loco-test-embedding-training */

#include "Check.h"

/* y = a x + b over a sequence of scalars; loss = mean (y - t)^2. Everything has
   a closed form. */
static const char *lineText = "loco 1\n"
                              "model Line {\n"
                              "  input x, t : scalar per step\n"
                              "  param a = 2 in (0, 10)\n"
                              "  param b = 0.5\n"
                              "  decode y = a * x + b\n"
                              "  loss = (y - t) ^ 2\n"
                              "}\n";

enum { samples = 3, steps = 4 };

static double x[samples][steps], t[samples][steps];
static const int64_t shape[] = {samples, steps};

static double getNumber(LocoModel *model, const char *name) {
  double number = NAN;
  LocoArray array = scalarOf(&number);
  OK(locoGetParameter(model, name, &array, message));
  return number;
}

static void setNumber(LocoModel *model, const char *name, double number) {
  LocoArray array = scalarOf(&number);
  OK(locoSetParameter(model, name, &array, message));
}

static void checkGradient(LocoTarget target, double tolerance) {
  LocoModelOptions options = {
      .size = sizeof(options), .target = target, .precision = LOCO_F64};
  LocoModel *model = NULL;
  OK(locoCompileModel("line", lineText, &options, &model, message));
  NEAR(getNumber(model, "a"), 2, 1e-14);
  NEAR(getNumber(model, "a.raw"), log(0.2 / 0.8), 1e-14);
  setNumber(model, "a", 3);
  NEAR(getNumber(model, "a.raw"), log(0.3 / 0.7), 1e-14);
  NEAR(getNumber(model, "a"), 3, 1e-14);

  double a = 3, b = 0.5, loss = 0, byA = 0, byB = 0, mean = 0, dA = 0, dB = 0;
  double byX[samples][steps], y[samples][steps];
  for (int i = 0; i < samples; ++i)
    for (int j = 0; j < steps; ++j) {
      double error = a * x[i][j] + b - t[i][j], share = samples * steps;
      mean += error * error / share;
      byA += 2 * error * x[i][j] / share;
      byB += 2 * error / share;
    }
  LocoNamedArray inputs[] = {named("x", arrayOf(x, LOCO_F64, 2, shape)),
                             named("t", arrayOf(t, LOCO_F64, 2, shape))};
  LocoNamedArray gradients[] = {named("a.raw", scalarOf(&dA)),
                                named("b", scalarOf(&dB)),
                                named("x", arrayOf(byX, LOCO_F64, 2, shape))};
  LocoNamedArray outputs[] = {named("y", arrayOf(y, LOCO_F64, 2, shape))};
  LocoBatch batch = {.size = sizeof(batch),
                     .samples = samples,
                     .steps = steps,
                     .inputs = inputs,
                     .numInputs = 2};
  OK(locoEvaluateModel(model, &batch, outputs, 1, &loss, message));
  NEAR(loss, mean, tolerance);
  NEAR(y[2][3], a * x[2][3] + b, tolerance);
  loss = 0;
  OK(locoDifferentiateModel(model, &batch, gradients, 3, &loss, message));
  NEAR(loss, mean, tolerance);
  /* a = 10 sigmoid(raw). */
  NEAR(dA, byA * a * (10 - a) / 10, tolerance);
  NEAR(dB, byB, tolerance);
  NEAR(byX[1][2], 2 * (a * x[1][2] + b - t[1][2]) * a / (samples * steps),
       tolerance);
  locoDestroyModel(model);
}

/* Gradient descent finds the line that the targets lie on. */
static void train(void) {
  LocoModelOptions options = {.size = sizeof(options), .precision = LOCO_F64};
  LocoModel *model = NULL;
  OK(locoCompileModel("line", lineText, &options, &model, message));
  double loss = 0, dA = 0, dB = 0;
  LocoNamedArray inputs[] = {named("x", arrayOf(x, LOCO_F64, 2, shape)),
                             named("t", arrayOf(t, LOCO_F64, 2, shape))};
  LocoNamedArray gradients[] = {named("a.raw", scalarOf(&dA)),
                                named("b", scalarOf(&dB))};
  LocoBatch batch = {.size = sizeof(batch),
                     .samples = samples,
                     .steps = steps,
                     .inputs = inputs,
                     .numInputs = 2};
  for (int update = 0; update < 2000; ++update) {
    OK(locoDifferentiateModel(model, &batch, gradients, 2, &loss, message));
    setNumber(model, "a.raw", getNumber(model, "a.raw") - 0.1 * dA);
    setNumber(model, "b", getNumber(model, "b") - 0.1 * dB);
  }
  CHECK(loss < 1e-12);
  NEAR(getNumber(model, "a"), 4.25, 1e-5);
  NEAR(getNumber(model, "b"), -1, 1e-5);

  /* Files keep all bits. */
  const char *names[] = {"line.safetensors", "line.npz"};
  for (int i = 0; i < 2; ++i) {
    double raw = getNumber(model, "a.raw"), b = getNumber(model, "b");
    OK(locoSaveParameters(model, names[i], message));
    OK(locoInitializeParameters(model, 0, message));
    NEAR(getNumber(model, "a"), 2, 1e-14);
    OK(locoLoadParameters(model, names[i], message));
    CHECK(getNumber(model, "a.raw") == raw && getNumber(model, "b") == b);
  }
  locoDestroyModel(model);
}

/* Starts are drawn from the seed, and from nothing else. */
static void initialize(void) {
  const char *text = "loco 1\nmodel M {\n  lattice s = set(5)\n"
                     "  frozen w on s ~ normal(0, 1)\n  decode y = w\n}\n";
  const int64_t five[] = {5};
  double w[3][5];
  LocoModelOptions options = {.size = sizeof(options), .seed = 7};
  LocoModel *model = NULL;
  OK(locoCompileModel("m", text, &options, &model, message));
  LocoArray arrays[3];
  for (int i = 0; i < 3; ++i)
    arrays[i] = arrayOf(w[i], LOCO_F64, 1, five);
  OK(locoGetParameter(model, "w", &arrays[0], message));
  OK(locoInitializeParameters(model, 8, message));
  OK(locoGetParameter(model, "w", &arrays[1], message));
  OK(locoInitializeParameters(model, 7, message));
  OK(locoGetParameter(model, "w", &arrays[2], message));
  CHECK(memcmp(w[0], w[2], sizeof(w[0])) == 0);
  CHECK(memcmp(w[0], w[1], sizeof(w[0])) != 0);
  locoDestroyModel(model);
}

int main(void) {
  message = locoCreateMessage();
  for (int i = 0; i < samples * steps; ++i) {
    (&x[0][0])[i] = cos(0.7 * i);
    (&t[0][0])[i] = 4.25 * (&x[0][0])[i] - 1;
  }
  checkGradient(LOCO_INTERPRETER, 1e-13);
  checkGradient(LOCO_CPU, 1e-13);
  train();
  initialize();
  return finish();
}
