/* The caller's arrays: element types, strides of any sign, any address.

   RUN: loco-test-embedding-arrays */

#include "Check.h"

static const char *text = "loco 1\n"
                          "model Sheet {\n"
                          "  lattice sheet = torus(2, 3)\n"
                          "  param b on sheet = 0\n"
                          "  input x : field on sheet per step\n"
                          "  decode y = b + x\n"
                          "}\n";

enum { rows = 2, columns = 3 };
static const int64_t shape[] = {rows, columns};

int main(void) {
  message = locoCreateMessage();
  LocoModelOptions options = {.size = sizeof(options), .precision = LOCO_F64};
  LocoModel *model = NULL;
  OK(locoCompileModel("sheet", text, &options, &model, message));

  /* Written dense, read transposed. */
  double dense[rows][columns] = {{1, 2, 3}, {4, 5, 6}};
  LocoArray array = arrayOf(dense, LOCO_F64, 2, shape);
  OK(locoSetParameter(model, "b", &array, message));
  double transposed[columns][rows] = {{0}};
  const int64_t byColumns[] = {1, rows};
  array = arrayOf(transposed, LOCO_F64, 2, shape);
  array.strides = byColumns;
  OK(locoGetParameter(model, "b", &array, message));
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j)
      CHECK(transposed[j][i] == dense[i][j]);

  /* Backwards, with gaps that stay as they are. */
  float gaps[20];
  for (int i = 0; i < 20; ++i)
    gaps[i] = -1;
  const int64_t backwards[] = {-9, -2};
  array = arrayOf(&gaps[19], LOCO_F32, 2, shape);
  array.strides = backwards;
  OK(locoGetParameter(model, "b", &array, message));
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j)
      CHECK(gaps[19 - 9 * i - 2 * j] == (float)dense[i][j]);
  CHECK(gaps[18] == -1 && gaps[11] == -1 && gaps[0] == -1);
  int untouched = 0;
  for (int i = 0; i < 20; ++i)
    untouched += gaps[i] == -1;
  CHECK(untouched == 20 - rows * columns);
  double again[rows][columns];
  OK(locoSetParameter(model, "b", &array, message));
  array = arrayOf(again, LOCO_F64, 2, shape);
  OK(locoGetParameter(model, "b", &array, message));
  CHECK(memcmp(again, dense, sizeof(dense)) == 0);

  /* One row for all (stride 0), at an odd address. */
  char bytes[1 + columns * sizeof(double)];
  double row[columns] = {0.5, 0.25, 0.125};
  memcpy(bytes + 1, row, sizeof(row));
  const int64_t sameRow[] = {0, 1};
  array = arrayOf(bytes + 1, LOCO_F64, 2, shape);
  array.strides = sameRow;
  OK(locoSetParameter(model, "b", &array, message));
  array = arrayOf(again, LOCO_F64, 2, shape);
  OK(locoGetParameter(model, "b", &array, message));
  for (int i = 0; i < rows; ++i)
    CHECK(memcmp(again[i], row, sizeof(row)) == 0);

  /* A batch whose time runs first: [steps, samples, ...] as [samples, steps,
     ...]; results the other way round. */
  double x[4][2][rows][columns], y[2][4][rows][columns];
  for (int i = 0; i < 4 * 2 * rows * columns; ++i)
    (&x[0][0][0][0])[i] = i;
  const int64_t whole[] = {2, 4, rows, columns},
                timeFirst[] = {rows * columns, 2 * rows * columns, columns, 1};
  LocoNamedArray input = named("x", arrayOf(x, LOCO_F64, 4, whole)),
                 output = named("y", arrayOf(y, LOCO_F64, 4, whole));
  input.array.strides = timeFirst;
  LocoBatch batch = {.size = sizeof(batch),
                     .samples = 2,
                     .steps = 4,
                     .inputs = &input,
                     .numInputs = 1};
  OK(locoEvaluateModel(model, &batch, &output, 1, NULL, message));
  for (int sample = 0; sample < 2; ++sample)
    for (int step = 0; step < 4; ++step)
      for (int i = 0; i < rows; ++i)
        for (int j = 0; j < columns; ++j)
          CHECK(y[sample][step][i][j] == x[step][sample][i][j] + row[j]);

  /* An f32 model rounds f64. */
  LocoModel *single = NULL;
  OK(locoCompileModel("sheet", text, NULL, &single, message));
  dense[0][0] = 0.1;
  array = arrayOf(dense, LOCO_F64, 2, shape);
  OK(locoSetParameter(single, "b", &array, message));
  array = arrayOf(again, LOCO_F64, 2, shape);
  OK(locoGetParameter(single, "b", &array, message));
  CHECK(again[0][0] == (double)0.1f && again[1][2] == 6);
  locoDestroyModel(single);
  locoDestroyModel(model);
  return finish();
}
