/* Code that is kept in a folder: the next model of the same program has it, and
   a folder that cannot be used is no error.

   RUN: rm -rf %t && mkdir %t && cd %t && loco-test-embedding-cache */

#include "Check.h"

#include <dirent.h>
#include <sys/stat.h>

static const char *text = "loco 1\n"
                          "model Line {\n"
                          "  input x : scalar per step\n"
                          "  param a = 2\n"
                          "  state z = 1\n"
                          "  step { z <- 0.5 * z + a * x }\n"
                          "  decode y = z\n"
                          "  loss = y ^ 2\n"
                          "}\n";

enum { steps = 4 };

/* The loss of a model that is compiled anew, with the start `a`. */
static double evaluate(const char *folder, const char *start) {
  LocoModelOptions options = {.size = sizeof(options),
                              .precision = LOCO_F64,
                              .overrides = &start,
                              .numOverrides = 1,
                              .cacheFolder = folder};
  LocoModel *model = NULL;
  OK(locoCompileModel("line", text, &options, &model, message));
  double x[steps] = {1, -0.5, 0.25, 2}, loss = NAN;
  int64_t shape[] = {1, steps};
  LocoNamedArray inputs[] = {named("x", arrayOf(x, LOCO_F64, 2, shape))};
  LocoBatch batch = {.size = sizeof(batch),
                     .samples = 1,
                     .steps = steps,
                     .inputs = inputs,
                     .numInputs = 1};
  OK(locoEvaluateModel(model, &batch, NULL, 0, &loss, message));
  locoDestroyModel(model);
  return loss;
}

static double expected(double a) {
  double x[steps] = {1, -0.5, 0.25, 2}, z = 1, loss = 0;
  for (int i = 0; i < steps; ++i) {
    z = 0.5 * z + a * x[i];
    loss += z * z / steps;
  }
  return loss;
}

static int countEntries(const char *folder) {
  int number = 0;
  DIR *files = opendir(folder);
  for (struct dirent *file; files && (file = readdir(files));)
    number += strstr(file->d_name, ".loco-object") != NULL;
  if (files)
    closedir(files);
  return number;
}

int main(void) {
  message = locoCreateMessage();
  NEAR(evaluate("kept", "a=2"), expected(2), 1e-14);
  int number = countEntries("kept");
  /* For the evaluation; a start like this needs no code. */
  CHECK(number == 1);
  NEAR(evaluate("kept", "a=2"), expected(2), 1e-14);
  /* Another start is other data for the same code. */
  NEAR(evaluate("kept", "a=3"), expected(3), 1e-14);
  CHECK(countEntries("kept") == number);

  CHECK(mkdir("open", 0777) == 0 && chmod("open", 0777) == 0);
  NEAR(evaluate("open", "a=2"), expected(2), 1e-14);
  CHECK(countEntries("open") == 0);
  NEAR(evaluate("/dev/null/none", "a=2"), expected(2), 1e-14);
  return finish();
}
