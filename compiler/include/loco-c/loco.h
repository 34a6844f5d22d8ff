/*===- loco.h - Models in a program of one's own ------------------*- C -*-===*\
|*                                                                            *|
|* Part of loco, under the Apache License v2.0 with LLVM Exceptions.          *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Compiles models from text, steps them with the program's own inputs, reads *|
|* and writes their states and parameters, and gives losses and gradients for *|
|* a training loop of the program's own. docs/Embedding.md is the manual.     *|
|*                                                                            *|
|* Status: every function that can fail returns a LocoStatus and takes a      *|
|* message as its last argument, which may be null. After LOCO_OK the message *|
|* is empty (after compiling: it holds warnings, if there were any); after    *|
|* anything else it says what was wrong, and nothing has been changed. A null *|
|* pointer where one is needed is LOCO_INVALID_ARGUMENT. Nothing is printed,  *|
|* and no input ends the process.                                             *|
|*                                                                            *|
|* Ownership: what a function named `Create` or `Compile` gives is returned   *|
|* with `Destroy`; destroying null does nothing. Handles may be destroyed in  *|
|* any order: what others still need lives on. All arrays belong to the       *|
|* caller and are used during the call only. Text that a handle gives belongs *|
|* to the handle.                                                             *|
|*                                                                            *|
|* Threads: there are no globals. A handle may be used from any thread, from  *|
|* one at a time; a sequence counts as its model. A call that meets another   *|
|* one on the same model returns LOCO_BUSY. Different models may be used at   *|
|* the same time.                                                             *|
|*                                                                            *|
|* Versions: functions and fields are added, never changed or taken away. A   *|
|* struct with a field `size` wants sizeof the struct there, by which the     *|
|* library knows which fields the caller has; zero in all others is the       *|
|* default.                                                                   *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef LOCO_C_LOCO_H
#define LOCO_C_LOCO_H

#include "loco-c/threads.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LOCO_API __attribute__((visibility("default")))
#else
#define LOCO_API
#endif

/// Version of this header; counts additions.
#define LOCO_C_VERSION 2

/// The LOCO_C_VERSION that the library was built with; a program may use
/// everything up to it.
LOCO_API int locoGetVersion(void);
/// The version of loco, for people: "0.1.0".
LOCO_API const char *locoGetVersionText(void);

//===----------------------------------------------------------------------===//
// Status and message
//===----------------------------------------------------------------------===//

typedef int32_t LocoStatus;
enum {
  LOCO_OK = 0,
  /// A null pointer, an unknown constant, a struct of the wrong size, a name
  /// given twice.
  LOCO_INVALID_ARGUMENT = 1,
  /// The program is wrong; the message holds all diagnostics.
  LOCO_COMPILE_ERROR = 2,
  /// The model has nothing of that name, or not in that role.
  LOCO_UNKNOWN_NAME = 3,
  /// An array has another shape than the tensor it stands for.
  LOCO_SHAPE_MISMATCH = 4,
  /// Numbers for classes, or classes for numbers.
  LOCO_TYPE_MISMATCH = 5,
  /// A value outside of its range: a parameter, a class, a count.
  LOCO_OUT_OF_RANGE = 6,
  /// An input that is needed is not there.
  LOCO_MISSING_INPUT = 7,
  /// A step before the start of a sequence.
  LOCO_NOT_STARTED = 8,
  /// The model, or the target, cannot do it: a step that looks at the next one,
  /// a gradient of a model without a loss, f32 in the interpreter.
  LOCO_UNSUPPORTED = 9,
  /// A file that cannot be read or written, is damaged, or does not fit.
  LOCO_FILE_ERROR = 10,
  LOCO_OUT_OF_MEMORY = 11,
  /// Another call on the same model is at work.
  LOCO_BUSY = 12,
  /// Code could not be generated or run; the message says why. Also: an earlier
  /// call on the model ran out of memory half-way, so that only destroying it
  /// is safe.
  LOCO_EXECUTION_ERROR = 13
};

/// The constant's name: "LOCO_SHAPE_MISMATCH".
LOCO_API const char *locoGetStatusName(LocoStatus status);

/// Text that functions leave. One message may serve any number of calls, one at
/// a time.
typedef struct LocoMessage LocoMessage;

/// Null if there is no memory for it, which all functions accept.
LOCO_API LocoMessage *locoCreateMessage(void);
LOCO_API void locoDestroyMessage(LocoMessage *message);
/// Lower case, without a full stop; "" if there is nothing to say. Valid until
/// the message is used again.
LOCO_API const char *locoGetMessageText(const LocoMessage *message);

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

typedef int32_t LocoElementType;
enum { LOCO_F32 = 1, LOCO_F64 = 2, LOCO_I32 = 3 };

/// Memory of the caller. Numbers may be F32 or F64 whatever the model computes
/// in, and are rounded on the way; classes are I32. An array that the library
/// reads is not written.
typedef struct LocoArray {
  /// The element whose indices are all 0.
  void *data;
  /// LOCO_F32 ...
  LocoElementType type;
  /// Number of axes; 0 for a scalar.
  int32_t rank;
  /// Lengths of the axes, outermost first.
  const int64_t *shape;
  /// Elements (not bytes) from one index of an axis to the next, any sign. Null:
  /// dense, row by row.
  const int64_t *strides;
} LocoArray;

typedef struct LocoNamedArray {
  const char *name;
  LocoArray array;
} LocoNamedArray;

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

/// Threads that models share. A model without any computes on the thread that
/// calls.
typedef struct LocoThreadPool LocoThreadPool;

/// Starts `count` - 1 threads, the caller being one more; 0: as many as the
/// process may use.
LOCO_API LocoStatus locoCreateThreadPool(int32_t count, LocoThreadPool **pool,
                                         LocoMessage *message);
/// Uses threads of the program's own, which must outlive all models that have
/// the pool. Models of one pool take turns.
LOCO_API LocoStatus locoCreateThreadPoolFrom(const LocoThreads *threads,
                                             LocoThreadPool **pool,
                                             LocoMessage *message);
LOCO_API void locoDestroyThreadPool(LocoThreadPool *pool);

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

/// A compiled model with its parameters.
typedef struct LocoModel LocoModel;

typedef int32_t LocoTarget;
enum {
  /// Compiled for this machine.
  LOCO_CPU = 1,
  /// The slow reference, in f64 only.
  LOCO_INTERPRETER = 2
};

typedef struct LocoModelOptions {
  size_t size;
  /// The model meant, where the program has several.
  const char *model;
  /// LOCO_CPU (the default) or LOCO_INTERPRETER.
  LocoTarget target;
  /// Of parameters, states and gradients: LOCO_F32 or LOCO_F64. The default is
  /// F32 on the CPU, F64 in the interpreter.
  LocoElementType precision;
  /// Null: the thread that calls.
  LocoThreadPool *threads;
  /// Where modules are looked for, after the folder of the program.
  const char *const *includeFolders;
  size_t numIncludeFolders;
  /// `name=value`: other constants, sizes and starts (docs/Language.md 14.3).
  const char *const *overrides;
  size_t numOverrides;
  /// Seed of the parameters' starts.
  uint64_t seed;
  /// Bytes of scratch memory to stay within; 0: what the plan finds best.
  int64_t memory;
  /// Since version 2. A folder where machine code is kept for later calls and
  /// processes, made if it is not there; null: it is generated anew. What is in
  /// it is executed: a folder that others can write to is not used, and neither
  /// that nor a full disk is an error (docs/Runs.md).
  const char *cacheFolder;
} LocoModelOptions;

/// Compiles the program `text`, which messages call `name` (null: "model").
/// `options` may be null. The parameters have their starts. Machine code is
/// generated when a kind of call comes first.
LOCO_API LocoStatus locoCompileModel(const char *name, const char *text,
                                     const LocoModelOptions *options,
                                     LocoModel **model, LocoMessage *message);
/// The same for the program in a file.
LOCO_API LocoStatus locoCompileModelFile(const char *path,
                                         const LocoModelOptions *options,
                                         LocoModel **model,
                                         LocoMessage *message);
LOCO_API void locoDestroyModel(LocoModel *model);

typedef int32_t LocoRole;
enum {
  /// Learned.
  LOCO_PARAMETER = 1,
  /// Drawn or loaded, not learned; set and read as a parameter is.
  LOCO_FROZEN = 2,
  LOCO_INPUT = 3,
  LOCO_STATE = 4,
  /// A `decode`.
  LOCO_OUTPUT = 5,
  LOCO_PROBE = 6,
  LOCO_LOSS = 7
};

typedef struct LocoTensorInfo {
  size_t size;
  /// `b`, `dt.raw`, `u.linear.weight`. All pointers belong to the model.
  const char *name;
  /// A parameter with a range is stored as a raw tensor; this is the name of
  /// its value, `dt`. Null otherwise.
  const char *valueName;
  LocoRole role;
  /// Of the model's own computation; I32 for classes.
  LocoElementType type;
  /// Shape of one sample and one step.
  int32_t rank;
  /// 1 if there is a value at each step of a sequence, 0 if one per sample (or,
  /// for parameters, one at all).
  int32_t perStep;
  const int64_t *shape;
  /// Number of classes of a class-valued input, 0 otherwise.
  int64_t classes;
} LocoTensorInfo;

/// Number of parameters, inputs, states and results together; 0 for null.
LOCO_API size_t locoCountTensors(const LocoModel *model);
/// Describes number `index` of them: parameters as declared, then inputs, the
/// loss, outputs, states and probes. LOCO_OUT_OF_RANGE past the end.
LOCO_API LocoStatus locoDescribeTensor(const LocoModel *model, size_t index,
                                       LocoTensorInfo *info,
                                       LocoMessage *message);
/// Describes the one called `name`.
LOCO_API LocoStatus locoFindTensor(const LocoModel *model, const char *name,
                                   LocoTensorInfo *info, LocoMessage *message);

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// Sets a parameter, by the name it is stored under (`dt.raw`) or by that of its
/// value (`dt`), which must be in the parameter's range.
LOCO_API LocoStatus locoSetParameter(LocoModel *model, const char *name,
                                     const LocoArray *array,
                                     LocoMessage *message);
/// Reads a parameter, by either name.
LOCO_API LocoStatus locoGetParameter(LocoModel *model, const char *name,
                                     const LocoArray *array,
                                     LocoMessage *message);
/// Gives all parameters their starts again, drawn from `seed`.
LOCO_API LocoStatus locoInitializeParameters(LocoModel *model, uint64_t seed,
                                             LocoMessage *message);
/// Reads all parameters from a .safetensors or .npz file, by either name. If any
/// is missing, unused or misshapen, all such are listed and nothing changes.
LOCO_API LocoStatus locoLoadParameters(LocoModel *model, const char *path,
                                       LocoMessage *message);
/// Writes all parameters, as stored, to a .safetensors or .npz file: aside, then
/// renamed.
LOCO_API LocoStatus locoSaveParameters(LocoModel *model, const char *path,
                                       LocoMessage *message);

//===----------------------------------------------------------------------===//
// Whole sequences, losses and gradients
//===----------------------------------------------------------------------===//

/// Samples that are run together, from start to end.
typedef struct LocoBatch {
  size_t size;
  /// Both at most 2^31 - 1. A model without steps ignores `steps`.
  int64_t samples, steps;
  /// Shape [samples, steps, ...] for inputs per step, [samples, ...] otherwise.
  /// Inputs that nothing depends on may be left out.
  const LocoNamedArray *inputs;
  size_t numInputs;
  /// Counters of the random draws: number of the update, and the place of each
  /// sample in its data set (null: 0, 1, 2, ...).
  uint64_t seed, update;
  const uint64_t *sampleIndex;
} LocoBatch;

/// Runs the model on a batch and writes the results asked for, by name: shape
/// [samples, steps, ...] for those per step (states are), [samples, ...]
/// otherwise. `loss`, if not null, gets the mean of the samples' losses.
LOCO_API LocoStatus locoEvaluateModel(LocoModel *model, const LocoBatch *batch,
                                      const LocoNamedArray *results,
                                      size_t numResults, double *loss,
                                      LocoMessage *message);

/// The derivative of the mean loss by the parameters and inputs asked for, in
/// their shapes ([samples, steps, ...] for inputs). A parameter with a range is
/// differentiated as it is stored: by `dt.raw`, not `dt`.
LOCO_API LocoStatus locoDifferentiateModel(LocoModel *model,
                                           const LocoBatch *batch,
                                           const LocoNamedArray *gradients,
                                           size_t numGradients, double *loss,
                                           LocoMessage *message);

//===----------------------------------------------------------------------===//
// Sequences, step by step
//===----------------------------------------------------------------------===//

/// The states of one sample on their way through time. Sequences of one model
/// share its parameters; a changed parameter holds from the next step on.
typedef struct LocoSequence LocoSequence;

LOCO_API LocoStatus locoCreateSequence(LocoModel *model,
                                       LocoSequence **sequence,
                                       LocoMessage *message);
LOCO_API void locoDestroySequence(LocoSequence *sequence);

/// Seed and sample number of the sequence's random draws, 0 and 0 before. Used
/// from the next start or step on.
LOCO_API LocoStatus locoSeedSequence(LocoSequence *sequence, uint64_t seed,
                                     uint64_t sample, LocoMessage *message);

/// Sets the states to what they are before step 0, made of the inputs of step
/// 0, and the number of steps to 0: also to begin anew. Inputs have the shape
/// of one sample and step; those that the start does not depend on may be left
/// out. Inputs per sample that are given here hold for the steps that follow.
LOCO_API LocoStatus locoStartSequence(LocoSequence *sequence,
                                      const LocoNamedArray *inputs,
                                      size_t numInputs, LocoMessage *message);

/// Makes one step: reads the inputs of this step, writes the outputs, probes and
/// new states asked for. Inputs that a step does not depend on may be left out.
LOCO_API LocoStatus locoStepSequence(LocoSequence *sequence,
                                     const LocoNamedArray *inputs,
                                     size_t numInputs,
                                     const LocoNamedArray *outputs,
                                     size_t numOutputs, LocoMessage *message);

LOCO_API LocoStatus locoGetState(LocoSequence *sequence, const char *name,
                                 const LocoArray *array, LocoMessage *message);
/// A sequence whose states have all been set may be stepped without a start.
LOCO_API LocoStatus locoSetState(LocoSequence *sequence, const char *name,
                                 const LocoArray *array, LocoMessage *message);

/// Number of steps since the start.
LOCO_API LocoStatus locoGetStepNumber(LocoSequence *sequence, int64_t *step,
                                      LocoMessage *message);
/// The number of the next step, which counts the random draws: with all states,
/// what is needed to go on where another sequence was. At most 2^31 - 1.
LOCO_API LocoStatus locoSetStepNumber(LocoSequence *sequence, int64_t step,
                                      LocoMessage *message);

#ifdef __cplusplus
}
#endif

#endif /* LOCO_C_LOCO_H */
