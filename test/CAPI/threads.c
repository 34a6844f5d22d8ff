/* Two models on two threads, one model on two threads in turn, threads of the
   program's own, and calls that meet.

   RUN: loco-test-embedding-threads */

#include "Check.h"

#include <pthread.h>

static const char *text = "loco 1\n"
                          "model M {\n"
                          "  lattice ring8 = ring(8)\n"
                          "  input x : scalar per step\n"
                          "  coupling W : conv(3) on ring8\n"
                          "  state h on ring8 = 0.1\n"
                          "  step { h <- tanh(W @ h + x) }\n"
                          "  loss = mean(h * h)\n"
                          "}\n";

enum { sites = 8, numSteps = 20 };
static const int64_t shape[] = {sites};

/* A model's whole life, and where it ends. */
typedef struct Life {
  uint64_t seed;
  LocoThreadPool *pool;
  double h[sites];
  int failed;
} Life;

static int step(LocoSequence *sequence, int number) {
  double x = 0.1 * number;
  LocoNamedArray input = named("x", scalarOf(&x));
  return locoStepSequence(sequence, &input, 1, NULL, 0, NULL) != LOCO_OK;
}

static void *live(void *argument) {
  Life *life = argument;
  LocoModelOptions options = {.size = sizeof(options),
                              .seed = life->seed,
                              .threads = life->pool,
                              .precision = LOCO_F64};
  LocoModel *model = NULL;
  LocoSequence *sequence = NULL;
  life->failed |= locoCompileModel("m", text, &options, &model, NULL);
  life->failed |= locoCreateSequence(model, &sequence, NULL);
  life->failed |= locoStartSequence(sequence, NULL, 0, NULL);
  for (int i = 0; i < numSteps; ++i)
    life->failed |= step(sequence, i);
  LocoArray array = arrayOf(life->h, LOCO_F64, 1, shape);
  life->failed |= locoGetState(sequence, "h", &array, NULL);
  locoDestroySequence(sequence);
  locoDestroyModel(model);
  return NULL;
}

/* Models that live at the same time, some of them on shared threads, end where
   each ends alone. */
static void together(void) {
  enum { count = 6 };
  Life alone[count], both[count];
  pthread_t threads[count];
  LocoThreadPool *pool = NULL;
  OK(locoCreateThreadPool(2, &pool, message));
  memset(alone, 0, sizeof(alone));
  for (int i = 0; i < count; ++i) {
    alone[i].seed = (uint64_t)i;
    both[i] = alone[i];
    both[i].pool = i % 2 ? pool : NULL;
    live(&alone[i]);
  }
  for (int i = 0; i < count; ++i)
    pthread_create(&threads[i], NULL, live, &both[i]);
  for (int i = 0; i < count; ++i)
    pthread_join(threads[i], NULL);
  locoDestroyThreadPool(pool);
  for (int i = 0; i < count; ++i) {
    CHECK(!alone[i].failed && !both[i].failed);
    CHECK(memcmp(alone[i].h, both[i].h, sizeof(alone[i].h)) == 0);
    CHECK(i == 0 || memcmp(alone[i].h, alone[0].h, sizeof(alone[i].h)) != 0);
  }
}

/* A sequence that another thread steps. */
typedef struct Turn {
  LocoSequence *sequence;
  int number, failed;
} Turn;

static void *takeTurn(void *argument) {
  Turn *turn = argument;
  turn->failed = step(turn->sequence, turn->number);
  return NULL;
}

/* Each step on a thread of its own; made on one thread, destroyed on another.
 */
static void inTurns(void) {
  Life alone = {.seed = 3};
  live(&alone);
  LocoModelOptions options = {
      .size = sizeof(options), .seed = 3, .precision = LOCO_F64};
  LocoModel *model = NULL;
  Turn turn = {NULL, 0, 0};
  OK(locoCompileModel("m", text, &options, &model, message));
  OK(locoCreateSequence(model, &turn.sequence, message));
  OK(locoStartSequence(turn.sequence, NULL, 0, message));
  for (turn.number = 0; turn.number < numSteps; ++turn.number) {
    if (turn.number % 2) {
      takeTurn(&turn);
    } else {
      pthread_t thread;
      pthread_create(&thread, NULL, takeTurn, &turn);
      pthread_join(thread, NULL);
    }
    CHECK(!turn.failed);
  }
  double h[sites];
  LocoArray array = arrayOf(h, LOCO_F64, 1, shape);
  OK(locoGetState(turn.sequence, "h", &array, message));
  CHECK(memcmp(h, alone.h, sizeof(h)) == 0);
  locoDestroyModel(model);
  locoDestroySequence(turn.sequence);
}

/* Two threads of ours, and a call on the busy model from inside. */
typedef struct Host {
  int calls;
  LocoModel *model;
  LocoStatus inside;
} Host;

typedef struct Work {
  void (*task)(void *argument, int thread);
  void *argument;
} Work;

static void *runSecond(void *argument) {
  Work *work = argument;
  work->task(work->argument, 1);
  return NULL;
}

static void runBoth(void *context, void (*task)(void *argument, int thread),
                    void *argument) {
  Host *host = context;
  ++host->calls;
  double x;
  LocoArray array = scalarOf(&x);
  host->inside = locoGetParameter(host->model, "W", &array, NULL);
  Work work = {task, argument};
  pthread_t second;
  pthread_create(&second, NULL, runSecond, &work);
  task(argument, 0);
  pthread_join(second, NULL);
}

static void handedIn(void) {
  Host host = {0, NULL, LOCO_OK};
  LocoThreads threads = {&host, 2, runBoth};
  LocoModelOptions options = {.size = sizeof(options), .precision = LOCO_F64};
  LocoModel *alone = NULL;
  OK(locoCompileModel("m", text, &options, &alone, message));
  OK(locoCreateThreadPoolFrom(&threads, &options.threads, message));
  OK(locoCompileModel("m", text, &options, &host.model, message));
  /* The model keeps it. */
  locoDestroyThreadPool(options.threads);

  enum { samples = 5, steps = 4 };
  double x[samples][steps], byX[samples][steps], expected[samples][steps];
  for (int i = 0; i < samples * steps; ++i)
    (&x[0][0])[i] = sin(i);
  const int64_t whole[] = {samples, steps};
  LocoNamedArray input = named("x", arrayOf(x, LOCO_F64, 2, whole)),
                 gradient = named("x", arrayOf(byX, LOCO_F64, 2, whole));
  LocoBatch batch = {.size = sizeof(batch),
                     .samples = samples,
                     .steps = steps,
                     .inputs = &input,
                     .numInputs = 1};
  OK(locoDifferentiateModel(host.model, &batch, &gradient, 1, NULL, message));
  CHECK(host.calls > 0);
  CHECK(host.inside == LOCO_BUSY);
  memcpy(expected, byX, sizeof(byX));
  memset(byX, 0, sizeof(byX));
  OK(locoDifferentiateModel(alone, &batch, &gradient, 1, NULL, message));
  CHECK(memcmp(expected, byX, sizeof(byX)) == 0);
  /* Not busy any more. */
  const int64_t kernel[] = {3};
  double w[3];
  LocoArray array = arrayOf(w, LOCO_F64, 1, kernel);
  OK(locoGetParameter(host.model, "W", &array, message));
  locoDestroyModel(host.model);
  locoDestroyModel(alone);
}

int main(void) {
  message = locoCreateMessage();
  together();
  inTurns();
  handedIn();
  return finish();
}
