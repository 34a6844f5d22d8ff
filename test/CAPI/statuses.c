/* Every way in which a call can fail, with its exact message.

   RUN: rm -rf %t && mkdir %t && cd %t && loco-test-embedding-statuses */

#include "Check.h"

#include <stdint.h>
#include <sys/resource.h>

static const char *text = "loco 1\n"
                          "model Net {\n"
                          "  lattice line4 = line(4)\n"
                          "  input x : field on line4 per step\n"
                          "  input label : class(3)\n"
                          "  param gain = 0.5 in (0, 1)\n"
                          "  param b on line4 = 0.1\n"
                          "  frozen w on line4 ~ normal(0, 1)\n"
                          "  state h on line4\n"
                          "  init h = first(x)\n"
                          "  step { h <- tanh(gain * h + b * x + w) }\n"
                          "  decode y = linear(h -> class(3))\n"
                          "  decode late = mean(h over time)\n"
                          "  loss = cross_entropy(last(y), label)\n"
                          "}\n";

static LocoModel *model = NULL;
static const int64_t four[] = {4};
static double numbers[4];

static LocoModel *compileWith(const LocoModelOptions *options) {
  LocoModel *made = NULL;
  OK(locoCompileModel("net", text, options, &made, message));
  return made;
}

static void checkVersions(void) {
  CHECK(LOCO_C_VERSION == 2 && locoGetVersion() == LOCO_C_VERSION);
  CHECK(strcmp(locoGetVersionText(), LOCO_VERSION) == 0);
  CHECK(strcmp(locoGetStatusName(LOCO_BUSY), "LOCO_BUSY") == 0);
  CHECK(strcmp(locoGetStatusName(-5), "unknown status") == 0);
  CHECK(strcmp(locoGetStatusName(99), "unknown status") == 0);
  CHECK(strcmp(locoGetMessageText(NULL), "") == 0);
}

/* Null in place of each pointer. */
static void checkNulls(void) {
  LocoModel *made = NULL;
  LocoSequence *sequence = NULL;
  LocoThreadPool *pool = NULL;
  LocoTensorInfo info = {.size = sizeof(info)};
  LocoArray array = arrayOf(numbers, LOCO_F64, 1, four);
  int64_t step;
#define NULL_FAILS(call, name)                                                 \
  FAILS(call, LOCO_INVALID_ARGUMENT, "`" name "` is null")
  NULL_FAILS(locoCompileModel("n", NULL, NULL, &made, message), "text");
  NULL_FAILS(locoCompileModel("n", text, NULL, NULL, message), "model");
  NULL_FAILS(locoCompileModelFile(NULL, NULL, &made, message), "path");
  NULL_FAILS(locoCompileModelFile("f", NULL, NULL, message), "model");
  NULL_FAILS(locoDescribeTensor(NULL, 0, &info, message), "model");
  NULL_FAILS(locoDescribeTensor(model, 0, NULL, message), "info");
  NULL_FAILS(locoFindTensor(model, NULL, &info, message), "name");
  NULL_FAILS(locoFindTensor(model, "b", NULL, message), "info");
  NULL_FAILS(locoSetParameter(NULL, "b", &array, message), "model");
  NULL_FAILS(locoSetParameter(model, NULL, &array, message), "name");
  NULL_FAILS(locoSetParameter(model, "b", NULL, message), "array");
  NULL_FAILS(locoGetParameter(NULL, "b", &array, message), "model");
  NULL_FAILS(locoGetParameter(model, NULL, &array, message), "name");
  NULL_FAILS(locoGetParameter(model, "b", NULL, message), "array");
  NULL_FAILS(locoInitializeParameters(NULL, 0, message), "model");
  NULL_FAILS(locoLoadParameters(NULL, "f.npz", message), "model");
  NULL_FAILS(locoLoadParameters(model, NULL, message), "path");
  NULL_FAILS(locoSaveParameters(NULL, "f.npz", message), "model");
  NULL_FAILS(locoSaveParameters(model, NULL, message), "path");
  NULL_FAILS(locoEvaluateModel(model, NULL, NULL, 0, NULL, message), "batch");
  NULL_FAILS(locoDifferentiateModel(NULL, NULL, NULL, 0, NULL, message),
             "model");
  NULL_FAILS(locoCreateSequence(NULL, &sequence, message), "model");
  NULL_FAILS(locoCreateSequence(model, NULL, message), "sequence");
  NULL_FAILS(locoSeedSequence(NULL, 0, 0, message), "sequence");
  NULL_FAILS(locoStartSequence(NULL, NULL, 0, message), "sequence");
  NULL_FAILS(locoStepSequence(NULL, NULL, 0, NULL, 0, message), "sequence");
  NULL_FAILS(locoGetState(NULL, "h", &array, message), "sequence");
  NULL_FAILS(locoSetState(NULL, "h", &array, message), "sequence");
  NULL_FAILS(locoGetStepNumber(NULL, &step, message), "sequence");
  NULL_FAILS(locoSetStepNumber(NULL, 0, message), "sequence");
  NULL_FAILS(locoCreateThreadPool(1, NULL, message), "pool");
  NULL_FAILS(locoCreateThreadPoolFrom(NULL, &pool, message), "threads");
  OK(locoCreateSequence(model, &sequence, message));
  NULL_FAILS(locoGetState(sequence, NULL, &array, message), "name");
  NULL_FAILS(locoGetState(sequence, "h", NULL, message), "array");
  NULL_FAILS(locoSetState(sequence, "h", NULL, message), "array");
  NULL_FAILS(locoGetStepNumber(sequence, NULL, message), "step");
  locoDestroySequence(sequence);
  CHECK(!made && !pool);
  CHECK(locoCountTensors(NULL) == 0);
  /* Without a message the status is all there is; null is destroyed. */
  CHECK(locoCompileModel(NULL, NULL, NULL, NULL, NULL) ==
        LOCO_INVALID_ARGUMENT);
  locoDestroyMessage(NULL);
  locoDestroyModel(NULL);
  locoDestroySequence(NULL);
  locoDestroyThreadPool(NULL);
}

static void checkThreadPools(void) {
  LocoThreadPool *pool = NULL;
  LocoThreads none = {NULL, 2, NULL};
  FAILS(locoCreateThreadPool(-1, &pool, message), LOCO_OUT_OF_RANGE,
        "there cannot be -1 threads in a pool");
  FAILS(locoCreateThreadPool(1000000, &pool, message), LOCO_OUT_OF_RANGE,
        "there cannot be 1000000 threads in a pool");
  FAILS(locoCreateThreadPoolFrom(&none, &pool, message), LOCO_INVALID_ARGUMENT,
        "the threads have no function `run`");
  CHECK(!pool);
}

static void checkOptions(void) {
  LocoModel *made = NULL;
  const char *wrongText[] = {"gain"}, *unknown[] = {"gian=1"},
             *missing[] = {NULL};
#define OPTIONS_FAIL(status, text, ...)                                        \
  do {                                                                         \
    LocoModelOptions options = {.size = sizeof(options), __VA_ARGS__};         \
    FAILS(locoCompileModel("net", textOf, &options, &made, message), status,   \
          text);                                                               \
  } while (0)
  const char *textOf = text;
  OPTIONS_FAIL(LOCO_INVALID_ARGUMENT, "there is no target 3", .target = 3);
  OPTIONS_FAIL(LOCO_INVALID_ARGUMENT, "there is no target -1", .target = -1);
  OPTIONS_FAIL(LOCO_INVALID_ARGUMENT, "the precision is neither F32 nor F64",
               .precision = LOCO_I32);
  OPTIONS_FAIL(LOCO_UNSUPPORTED, "the interpreter computes in F64 only",
               .target = LOCO_INTERPRETER, .precision = LOCO_F32);
  OPTIONS_FAIL(LOCO_OUT_OF_RANGE, "the memory is less than nothing",
               .memory = -1);
  OPTIONS_FAIL(LOCO_UNKNOWN_NAME, "`net` has no model `Nte`; it has `Net`",
               .model = "Nte");
  OPTIONS_FAIL(LOCO_INVALID_ARGUMENT,
               "the override `gain` is not of the form `name=value`",
               .overrides = wrongText, .numOverrides = 1);
  OPTIONS_FAIL(LOCO_INVALID_ARGUMENT, "override number 0 is null",
               .overrides = missing, .numOverrides = 1);
  OPTIONS_FAIL(LOCO_INVALID_ARGUMENT, "include folder number 0 is null",
               .numIncludeFolders = 2);
  OPTIONS_FAIL(LOCO_COMPILE_ERROR, NULL, .overrides = unknown,
               .numOverrides = 1);
  CHECK(strstr(locoGetMessageText(message), "gian"));

  LocoModelOptions options = {.size = 8};
  FAILS(locoCompileModel("net", text, &options, &made, message),
        LOCO_INVALID_ARGUMENT,
        "`size` of the LocoModelOptions is 8, which is no version that this "
        "library knows");
  /* A caller of a later version, which uses nothing new; and one that does. */
  struct {
    LocoModelOptions known;
    int64_t added;
  } later = {{.size = sizeof(later)}, 0};
  OK(locoCompileModel("net", text, &later.known, &made, message));
  locoDestroyModel(made);
  made = NULL;
  later.added = 1;
  CHECK(locoCompileModel("net", text, &later.known, &made, NULL) ==
        LOCO_INVALID_ARGUMENT);
  CHECK(!made);
  textOf = "loco 1\nmodel A { input x : scalar\n decode y = x }\n"
           "model B { input x : scalar\n decode y = x }\n";
  OPTIONS_FAIL(LOCO_UNKNOWN_NAME,
               "`net` has the models `A` and `B`; the options name none",
               .model = NULL);
  options = (LocoModelOptions){.size = sizeof(options), .model = "B"};
  OK(locoCompileModel("net", textOf, &options, &made, message));
  locoDestroyModel(made);
}

static void checkPrograms(void) {
  LocoModel *made = NULL;
  FAILS(locoCompileModel("net", "loco 1\nmodel M {\n  state z = q\n}\n", NULL,
                         &made, message),
        LOCO_COMPILE_ERROR, NULL);
  CHECK(strstr(locoGetMessageText(message),
               "error[unknown-name]: nothing is called `q`"));
  CHECK(strstr(locoGetMessageText(message), " --> net:3:13\n"));
  FAILS(locoCompileModel("net", "", NULL, &made, message), LOCO_COMPILE_ERROR,
        NULL);
  CHECK(strstr(locoGetMessageText(message), "missing-version"));
  FAILS(locoCompileModel("net", "loco 1\n\xff\xfe\x01", NULL, &made, message),
        LOCO_COMPILE_ERROR, NULL);
  FAILS(locoCompileModel("net", "loco 1\n", NULL, &made, message),
        LOCO_COMPILE_ERROR, "`net` has no model");
  FAILS(locoCompileModelFile("absent.loco", NULL, &made, message),
        LOCO_COMPILE_ERROR, NULL);
  CHECK(strstr(locoGetMessageText(message), "cannot read `absent.loco`"));
  CHECK(!made);
}

static void checkTensors(void) {
  struct {
    const char *name, *valueName;
    LocoRole role;
    LocoElementType type;
    int rank, perStep, classes;
    int64_t extents[2];
  } expected[] = {
      {"gain.raw", "gain", LOCO_PARAMETER, LOCO_F32, 0, 0, 0, {0}},
      {"b", NULL, LOCO_PARAMETER, LOCO_F32, 1, 0, 0, {4}},
      {"w", NULL, LOCO_FROZEN, LOCO_F32, 1, 0, 0, {4}},
      {"y.linear.weight", NULL, LOCO_PARAMETER, LOCO_F32, 2, 0, 0, {3, 4}},
      {"y.linear.bias", NULL, LOCO_PARAMETER, LOCO_F32, 1, 0, 0, {3}},
      {"x", NULL, LOCO_INPUT, LOCO_F32, 1, 1, 0, {4}},
      {"label", NULL, LOCO_INPUT, LOCO_I32, 0, 0, 3, {0}},
      {"loss", NULL, LOCO_LOSS, LOCO_F32, 0, 0, 0, {0}},
      {"y", NULL, LOCO_OUTPUT, LOCO_F32, 1, 1, 0, {3}},
      {"late", NULL, LOCO_OUTPUT, LOCO_F32, 1, 0, 0, {4}},
      {"h", NULL, LOCO_STATE, LOCO_F32, 1, 1, 0, {4}},
  };
  size_t count = sizeof(expected) / sizeof(expected[0]);
  CHECK(locoCountTensors(model) == count);
  for (size_t i = 0; i < count; ++i) {
    LocoTensorInfo info = {.size = sizeof(info)}, found = info;
    OK(locoDescribeTensor(model, i, &info, message));
    CHECK(strcmp(info.name, expected[i].name) == 0);
    CHECK(!info.valueName == !expected[i].valueName);
    CHECK(!info.valueName || !strcmp(info.valueName, expected[i].valueName));
    CHECK(info.role == expected[i].role && info.type == expected[i].type);
    CHECK(info.rank == expected[i].rank && info.perStep == expected[i].perStep);
    CHECK(info.classes == expected[i].classes);
    for (int axis = 0; axis < info.rank; ++axis)
      CHECK(info.shape[axis] == expected[i].extents[axis]);
    OK(locoFindTensor(model, expected[i].name, &found, message));
    CHECK(found.name == info.name);
  }
  LocoTensorInfo info = {.size = sizeof(info)};
  OK(locoFindTensor(model, "gain", &info, message));
  CHECK(strcmp(info.name, "gain.raw") == 0);
  FAILS(locoDescribeTensor(model, 11, &info, message), LOCO_OUT_OF_RANGE,
        "the model has 11 tensors, but no number 11");
  FAILS(locoFindTensor(model, "gian", &info, message), LOCO_UNKNOWN_NAME,
        "`Net` has no tensor `gian`; did you mean `gain`?");
  info.size = 1;
  FAILS(locoFindTensor(model, "b", &info, message), LOCO_INVALID_ARGUMENT,
        "`size` of the LocoTensorInfo is 1, which is no version that this "
        "library knows");
}

static void checkParameters(void) {
  const int64_t three[] = {3}, two[] = {2, 2}, same[] = {0}, negative[] = {-4};
  LocoArray array = arrayOf(numbers, LOCO_F64, 1, four), wrong = array;
  FAILS(locoSetParameter(model, "x", &array, message), LOCO_UNKNOWN_NAME,
        "`x` is no parameter");
  FAILS(locoGetParameter(model, "bb", &array, message), LOCO_UNKNOWN_NAME,
        "`Net` has no parameter `bb`; did you mean `b`?");
  wrong.data = NULL;
  FAILS(locoSetParameter(model, "b", &wrong, message), LOCO_INVALID_ARGUMENT,
        "parameter `b` has no data");
  wrong = arrayOf(numbers, 0, 1, four);
  FAILS(locoSetParameter(model, "b", &wrong, message), LOCO_INVALID_ARGUMENT,
        "parameter `b` has element type 0, which is none");
  wrong = arrayOf(numbers, LOCO_F64, -1, four);
  FAILS(locoSetParameter(model, "b", &wrong, message), LOCO_INVALID_ARGUMENT,
        "parameter `b` has -1 axes");
  wrong = arrayOf(numbers, LOCO_F64, 1000, four);
  FAILS(locoSetParameter(model, "b", &wrong, message), LOCO_INVALID_ARGUMENT,
        "parameter `b` has 1000 axes");
  wrong = arrayOf(numbers, LOCO_F64, 1, NULL);
  FAILS(locoSetParameter(model, "b", &wrong, message), LOCO_INVALID_ARGUMENT,
        "parameter `b` has no shape");
  wrong = arrayOf(numbers, LOCO_F64, 1, three);
  FAILS(locoSetParameter(model, "b", &wrong, message), LOCO_SHAPE_MISMATCH,
        "parameter `b` has shape 3, expected 4");
  wrong = arrayOf(numbers, LOCO_F64, 2, two);
  FAILS(locoGetParameter(model, "b", &wrong, message), LOCO_SHAPE_MISMATCH,
        "parameter `b` has shape 2 x 2, expected 4");
  wrong = arrayOf(numbers, LOCO_F64, 1, negative);
  FAILS(locoGetParameter(model, "b", &wrong, message), LOCO_SHAPE_MISMATCH,
        "parameter `b` has shape -4, expected 4");
  wrong = arrayOf(numbers, LOCO_I32, 1, four);
  FAILS(locoSetParameter(model, "b", &wrong, message), LOCO_TYPE_MISMATCH,
        "parameter `b` holds integers (I32), expected numbers (F32 or F64)");
  wrong = array;
  wrong.strides = same;
  FAILS(locoGetParameter(model, "b", &wrong, message), LOCO_INVALID_ARGUMENT,
        "parameter `b` is written, but has stride 0 along axis 0");

  /* A value outside of its range changes nothing. */
  double value = 1.5;
  LocoArray scalar = scalarOf(&value);
  FAILS(locoSetParameter(model, "gain", &scalar, message), LOCO_OUT_OF_RANGE,
        "`gain` is 1.5, which is not in its range (0, 1)");
  OK(locoGetParameter(model, "gain", &scalar, message));
  NEAR(value, 0.5, 1e-7);

  FAILS(locoLoadParameters(model, "absent.npz", message), LOCO_FILE_ERROR,
        NULL);
  FAILS(locoSaveParameters(model, "file.txt", message), LOCO_FILE_ERROR,
        "`file.txt` is neither a `.safetensors` nor a `.npz` file");
  FAILS(locoSaveParameters(model, "absent/file.npz", message), LOCO_FILE_ERROR,
        NULL);
  FILE *damaged = fopen("damaged.safetensors", "w");
  fputs("no such thing", damaged);
  fclose(damaged);
  FAILS(locoLoadParameters(model, "damaged.safetensors", message),
        LOCO_FILE_ERROR, NULL);

  /* A file of another model: all faults at once, and nothing changed. */
  const char *overrides[] = {"line4=line(5)"};
  LocoModelOptions options = {
      .size = sizeof(options), .overrides = overrides, .numOverrides = 1};
  LocoModel *other = compileWith(&options);
  OK(locoSaveParameters(other, "other.npz", message));
  locoDestroyModel(other);
  double before[4], after[4];
  array = arrayOf(before, LOCO_F64, 1, four);
  OK(locoGetParameter(model, "w", &array, message));
  FAILS(locoLoadParameters(model, "other.npz", message), LOCO_FILE_ERROR,
        "`other.npz`: the parameters do not fit the model: misshapen: `b` (5, "
        "expected 4), `w` (5, expected 4), `y.linear.weight` (3 x 5, expected "
        "3 x 4)");
  array = arrayOf(after, LOCO_F64, 1, four);
  OK(locoGetParameter(model, "w", &array, message));
  CHECK(memcmp(before, after, sizeof(before)) == 0);
}

static void checkBatches(void) {
  double x[2][3][4] = {{{0}}}, late[2][4], byGain = 0, loss = 7;
  int32_t label[2] = {0, 1}, wrongLabel[2] = {0, 3};
  const int64_t shapeX[] = {2, 3, 4}, shapeLate[] = {2, 4}, two[] = {2};
  LocoNamedArray inputs[] = {named("x", arrayOf(x, LOCO_F64, 3, shapeX)),
                             named("label", arrayOf(label, LOCO_I32, 1, two)),
                             named("x", arrayOf(x, LOCO_F64, 3, shapeX))};
  LocoNamedArray result = named("late", arrayOf(late, LOCO_F64, 2, shapeLate));
  LocoNamedArray gradient = named("gain.raw", scalarOf(&byGain));
  LocoBatch right = {.size = sizeof(right),
                     .samples = 2,
                     .steps = 3,
                     .inputs = inputs,
                     .numInputs = 2};
  LocoBatch batch = right;
#define BATCH_FAILS(status, text)                                              \
  FAILS(locoEvaluateModel(model, &batch, &result, 1, &loss, message), status,  \
        text);                                                                 \
  batch = right
#define GRADIENT_FAILS(status, text)                                           \
  FAILS(locoDifferentiateModel(model, &right, &gradient, 1, &loss, message),   \
        status, text)
  OK(locoEvaluateModel(model, &batch, &result, 1, &loss, message));
  OK(locoDifferentiateModel(model, &right, &gradient, 1, &loss, message));
  CHECK(loss != 7);

  loss = 7;
  batch.size = 0;
  BATCH_FAILS(LOCO_INVALID_ARGUMENT, "`size` of the LocoBatch is 0, which is "
                                     "no version that this library knows");
  batch.samples = 0;
  BATCH_FAILS(LOCO_OUT_OF_RANGE, "a batch of 0 samples cannot be run");
  batch.samples = INT64_MAX;
  BATCH_FAILS(LOCO_OUT_OF_RANGE,
              "a batch of 9223372036854775807 samples cannot be run");
  batch.steps = -1;
  BATCH_FAILS(LOCO_OUT_OF_RANGE, "a sequence of -1 steps cannot be run");
  batch.numInputs = 3;
  BATCH_FAILS(LOCO_INVALID_ARGUMENT, "input `x` is given twice");
  batch.inputs = NULL;
  BATCH_FAILS(LOCO_INVALID_ARGUMENT, "there are 2 inputs, but no list of them");
  batch.numInputs = 1;
  BATCH_FAILS(LOCO_MISSING_INPUT, "input `label` is missing");
  batch.steps = 2;
  BATCH_FAILS(LOCO_SHAPE_MISMATCH,
              "input `x` has shape 2 x 3 x 4, expected 2 x 2 x 4");
  inputs[1].array.type = LOCO_F32;
  BATCH_FAILS(LOCO_TYPE_MISMATCH,
              "input `label` holds numbers, expected classes (I32)");
  inputs[1].array = arrayOf(wrongLabel, LOCO_I32, 1, two);
  BATCH_FAILS(LOCO_OUT_OF_RANGE,
              "input `label` holds class 3, expected 0 to 2");
  inputs[1].array = arrayOf(label, LOCO_I32, 1, two);
  inputs[1].name = NULL;
  BATCH_FAILS(LOCO_INVALID_ARGUMENT, "input number 1 has no name");
  inputs[1].name = "lable";
  BATCH_FAILS(LOCO_UNKNOWN_NAME,
              "`Net` has no input `lable`; did you mean `label`?");
  inputs[1].name = "h";
  BATCH_FAILS(LOCO_UNKNOWN_NAME, "`h` is no input");
  inputs[1].name = "label";
  result.name = "b";
  BATCH_FAILS(LOCO_UNKNOWN_NAME, "`b` is no result");
  result.name = "y";
  BATCH_FAILS(LOCO_SHAPE_MISMATCH,
              "result `y` has shape 2 x 4, expected 2 x 3 x 3");
  gradient.name = "gain";
  GRADIENT_FAILS(LOCO_UNKNOWN_NAME, "the gradient is taken by `gain.raw`, as "
                                    "it is stored, not by its value `gain`");
  gradient.name = "h";
  GRADIENT_FAILS(LOCO_UNKNOWN_NAME, "`h` is neither a parameter nor an input");
  gradient = named("label", arrayOf(label, LOCO_I32, 1, two));
  GRADIENT_FAILS(LOCO_TYPE_MISMATCH,
                 "input `label` holds classes, which have no derivative");
  gradient = named("b", scalarOf(&byGain));
  GRADIENT_FAILS(LOCO_SHAPE_MISMATCH,
                 "gradient `b` has shape scalar, expected 4");
  CHECK(loss == 7);

  /* A model without steps and without a loss. */
  LocoModel *flat = NULL;
  OK(locoCompileModel("flat",
                      "loco 1\nmodel Flat {\n  input x : scalar\n"
                      "  param a = 2\n  decode y = a * x\n}\n",
                      NULL, &flat, message));
  double one = 1, two2 = 0;
  const int64_t single[] = {1};
  LocoNamedArray in = named("x", arrayOf(&one, LOCO_F64, 1, single)),
                 out = named("y", arrayOf(&two2, LOCO_F64, 1, single));
  batch = (LocoBatch){
      .size = sizeof(batch), .samples = 1, .inputs = &in, .numInputs = 1};
  OK(locoEvaluateModel(flat, &batch, &out, 1, NULL, message));
  CHECK(two2 == 2);
  FAILS(locoEvaluateModel(flat, &batch, &out, 1, &loss, message),
        LOCO_UNSUPPORTED, "the model has no loss");
  gradient = named("a", scalarOf(&byGain));
  FAILS(locoDifferentiateModel(flat, &batch, &gradient, 1, NULL, message),
        LOCO_UNSUPPORTED, "the model has no loss");
  LocoSequence *sequence = NULL;
  FAILS(locoCreateSequence(flat, &sequence, message), LOCO_UNSUPPORTED,
        "the model has no steps");
  locoDestroyModel(flat);

  /* Too little memory for the plan. */
  LocoModelOptions tight = {.size = sizeof(tight), .memory = 1};
  LocoModel *small = compileWith(&tight);
  gradient = named("gain.raw", scalarOf(&byGain));
  FAILS(locoDifferentiateModel(small, &right, &gradient, 1, &loss, message),
        LOCO_EXECUTION_ERROR, NULL);
  CHECK(strstr(locoGetMessageText(message), "more than the memory budget"));
  locoDestroyModel(small);
}

static void checkSequences(void) {
  double x[4] = {0}, y[3], h[4] = {0};
  const int64_t three[] = {3};
  LocoNamedArray input = named("x", arrayOf(x, LOCO_F64, 1, four));
  LocoNamedArray output = named("y", arrayOf(y, LOCO_F64, 1, three));
  LocoArray state = arrayOf(h, LOCO_F64, 1, four);
  LocoSequence *sequence = NULL;
  OK(locoCreateSequence(model, &sequence, message));
  FAILS(locoStepSequence(sequence, &input, 1, NULL, 0, message),
        LOCO_NOT_STARTED,
        "the sequence has not been started; `h` has no value");
  FAILS(locoGetState(sequence, "h", &state, message), LOCO_NOT_STARTED,
        "the sequence has not been started; `h` has no value");
  FAILS(locoStartSequence(sequence, NULL, 0, message), LOCO_MISSING_INPUT,
        "input `x` is missing");
  FAILS(locoStartSequence(sequence, NULL, 1, message), LOCO_INVALID_ARGUMENT,
        "there are 1 inputs, but no list of them");
  OK(locoStartSequence(sequence, &input, 1, message));
  FAILS(locoStepSequence(sequence, NULL, 0, NULL, 0, message),
        LOCO_MISSING_INPUT, "input `x` is missing");
  OK(locoStepSequence(sequence, &input, 1, &output, 1, message));
  output.name = "late";
  FAILS(locoStepSequence(sequence, &input, 1, &output, 1, message),
        LOCO_UNSUPPORTED, "`late` is not known after a step alone");
  output.name = "b";
  FAILS(locoStepSequence(sequence, &input, 1, &output, 1, message),
        LOCO_UNKNOWN_NAME, "`b` is no output");
  output.name = "h";
  FAILS(locoStepSequence(sequence, &input, 1, &output, 1, message),
        LOCO_SHAPE_MISMATCH, "output `h` has shape 3, expected 4");
  FAILS(locoStepSequence(sequence, &input, 1, NULL, 2, message),
        LOCO_INVALID_ARGUMENT, "there are 2 outputs, but no list of them");
  input.name = "w";
  FAILS(locoStepSequence(sequence, &input, 1, NULL, 0, message),
        LOCO_UNKNOWN_NAME, "`w` is no input");
  FAILS(locoGetState(sequence, "x", &state, message), LOCO_UNKNOWN_NAME,
        "`x` is no state");
  FAILS(locoSetState(sequence, "hh", &state, message), LOCO_UNKNOWN_NAME,
        "`Net` has no state `hh`; did you mean `h`?");
  state.shape = three;
  FAILS(locoSetState(sequence, "h", &state, message), LOCO_SHAPE_MISMATCH,
        "state `h` has shape 3, expected 4");
  FAILS(locoSetStepNumber(sequence, -1, message), LOCO_OUT_OF_RANGE,
        "there is no step -1");
  OK(locoSetStepNumber(sequence, INT32_MAX, message));
  input.name = "x";
  FAILS(locoStepSequence(sequence, &input, 1, NULL, 0, message),
        LOCO_OUT_OF_RANGE, "the sequence ends after 2147483647 steps");
  /* Nothing of all this has been a step. */
  OK(locoSetStepNumber(sequence, 1, message));
  locoDestroySequence(sequence);

  /* What needs the whole sequence. */
  LocoModel *late = NULL;
  OK(locoCompileModel("late",
                      "loco 1\nmodel Late {\n  input x : scalar per step\n"
                      "  state h\n  init h = last(x)\n"
                      "  step { h <- 2 * h + x }\n}\n",
                      NULL, &late, message));
  OK(locoCreateSequence(late, &sequence, message));
  FAILS(locoStartSequence(sequence, NULL, 0, message), LOCO_UNSUPPORTED,
        "the start needs more than the inputs of the first step; set the "
        "states instead");
  double value = 3, one = 1;
  LocoArray scalar = scalarOf(&value);
  input = named("x", scalarOf(&one));
  OK(locoSetState(sequence, "h", &scalar, message));
  OK(locoStepSequence(sequence, &input, 1, NULL, 0, message));
  OK(locoGetState(sequence, "h", &scalar, message));
  CHECK(value == 7);
  locoDestroySequence(sequence);
  locoDestroyModel(late);
  OK(locoCompileModel("ahead",
                      "loco 1\nmodel Ahead {\n  input x : scalar per step\n"
                      "  state h = 0\n  step { h <- h + next(x, wrap) }\n}\n",
                      NULL, &late, message));
  FAILS(locoCreateSequence(late, &sequence, message), LOCO_UNSUPPORTED,
        "a step of the model needs more than the inputs of that step, so it "
        "cannot be made alone");
  locoDestroyModel(late);
}

/* With less address space than the arrays need: a status, and the model goes
   on. Last, because the limit stays. */
static void checkMemory(void) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  return; /* Needs terabytes of address space for itself. */
#endif
#endif
  struct rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = (rlim_t)4 << 30;
  setrlimit(RLIMIT_AS, &limit);
  double zero = 0;
  int32_t label = 0;
  const int64_t whole[] = {100000, 10000, 4}, none[] = {0, 0, 0},
                samples[] = {100000}, same[] = {0};
  LocoNamedArray inputs[] = {
      named("x", arrayOf(&zero, LOCO_F64, 3, whole)),
      named("label", arrayOf(&label, LOCO_I32, 1, samples))};
  inputs[0].array.strides = none;
  inputs[1].array.strides = same;
  LocoBatch batch = {.size = sizeof(batch),
                     .samples = 100000,
                     .steps = 10000,
                     .inputs = inputs,
                     .numInputs = 2};
  double loss;
  FAILS(locoEvaluateModel(model, &batch, NULL, 0, &loss, message),
        LOCO_OUT_OF_MEMORY, "out of memory: no room for 32000800000 bytes");
  const int64_t few[] = {1, 2, 4}, one[] = {1};
  inputs[0].array.shape = few;
  inputs[1].array.shape = one;
  batch.samples = 1;
  batch.steps = 2;
  OK(locoEvaluateModel(model, &batch, NULL, 0, &loss, message));

  LocoModel *large = NULL;
  FAILS(locoCompileModel("large",
                         "loco 1\nmodel M {\n  lattice s = set(20000)\n"
                         "  coupling W : dense(s -> s)\n"
                         "  input x : field on s\n  decode y = W @ x\n}\n",
                         NULL, &large, message),
        LOCO_OUT_OF_MEMORY, "out of memory: no room for 9600000000 bytes");
  CHECK(!large);

  /* What is large only inside is met half-way, and the model is lost. */
  LocoModelOptions options = {.size = sizeof(options),
                              .target = LOCO_INTERPRETER};
  OK(locoCompileModel("inside",
                      "loco 1\nmodel M {\n  lattice s = set(1000000000)\n"
                      "  input x : scalar per step\n  state h on s = 0\n"
                      "  step { h <- tanh(h + x) }\n  decode y = mean(h)\n}\n",
                      &options, &large, message));
  double x = 0, y;
  const int64_t single[] = {1, 1};
  LocoNamedArray input = named("x", arrayOf(&x, LOCO_F64, 2, single)),
                 output = named("y", arrayOf(&y, LOCO_F64, 2, single));
  batch = (LocoBatch){.size = sizeof(batch),
                      .samples = 1,
                      .steps = 1,
                      .inputs = &input,
                      .numInputs = 1};
  FAILS(locoEvaluateModel(large, &batch, &output, 1, NULL, message),
        LOCO_OUT_OF_MEMORY, "out of memory");
  FAILS(locoEvaluateModel(large, &batch, &output, 1, NULL, message),
        LOCO_EXECUTION_ERROR,
        "an earlier call on the model ran out of memory half-way; destroy it");
  locoDestroyModel(large);
}

int main(void) {
  message = locoCreateMessage();
  model = compileWith(NULL);
  if (!model)
    return 1;
  checkVersions();
  checkNulls();
  checkThreadPools();
  checkOptions();
  checkPrograms();
  checkTensors();
  checkParameters();
  checkBatches();
  checkSequences();
  checkMemory();
  locoDestroyModel(model);
  return finish();
}
