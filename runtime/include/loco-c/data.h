/*===- data.h - Data sources --------------------------------------*- C -*-===*\
|*                                                                            *|
|* Part of loco, under the Apache License v2.0 with LLVM Exceptions.          *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A data source gives samples by index. It is five functions: open, describe,*|
|* length, read a range, close. The sources that come with loco use this      *|
|* interface too; a program adds its own with locoDataRegister and then names *|
|* it in the `data` statement of a .loco file.                                *|
|*                                                                            *|
|* Rules:                                                                     *|
|* - A sample is a pure function of the options, the seed and its index. It   *|
|*   does not depend on what was read before, nor in what ranges. Only so can *|
|*   a run be resumed exactly.                                                *|
|* - A source that is open is used by one thread at a time, not always the    *|
|*   same one. Different open sources may be used at the same time.           *|
|* - Functions that can fail return 0 for success, anything else for failure, *|
|*   and then have written a message (UTF-8, ending in 0) into the            *|
|*   `messageBytes` bytes at `message`, which the caller owns.                *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef LOCO_C_DATA_H
#define LOCO_C_DATA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Version of this header; a source states the one it was made for.
#define LOCO_DATA_VERSION 1

/// The length of a source that never ends.
#define LOCO_DATA_INFINITE (-1)

/// Types of elements.
enum { LOCO_DATA_F32 = 0, LOCO_DATA_F64 = 1, LOCO_DATA_I32 = 2 };

/// What the outermost axis of a field is.
enum {
  /// One value per sample: `shape` is that of the value.
  LOCO_DATA_PER_SAMPLE = 0,
  /// One value per step: `shape` is that of one step, without the time axis.
  LOCO_DATA_PER_STEP = 1,
  /// The source does not know (a user's own arrays): `shape` is that of the
  /// sample; its first axis may be time if the model says so.
  LOCO_DATA_EITHER = 2
};

/// Kinds of options.
enum {
  LOCO_DATA_NUMBER = 0,
  LOCO_DATA_ANGLE = 1,
  LOCO_DATA_TEXT = 2,
  LOCO_DATA_RANGE = 3,
  LOCO_DATA_CALL = 4
};

/// An option as it stands in the program, for example in
/// `plane_waves(image(28, 28), wavelength = 24, angle ~ uniform(0 deg, 360
/// deg))`. The source itself is an option of kind LOCO_DATA_CALL, and so are
/// `image(28, 28)`, `uniform(...)` and a source inside a source.
typedef struct LocoDataOption {
  /// The name before `=` or `~`; "" for a positional argument.
  const char *name;
  /// LOCO_DATA_NUMBER ...
  int32_t kind;
  /// 1 if written with `~`: drawn anew for every sample from the law that
  /// the call names.
  int32_t drawn;
  /// The number; the angle in radians; the beginning of the range.
  double number;
  /// The end of the range, included.
  double last;
  /// The text; the name of what is called.
  const char *text;
  /// Of a call.
  const struct LocoDataOption *arguments;
  int64_t numArguments;
} LocoDataOption;

/// One named part of every sample.
typedef struct LocoDataField {
  const char *name;
  /// LOCO_DATA_F32 ...
  int32_t type;
  /// LOCO_DATA_PER_SAMPLE ...
  int32_t perStep;
  /// Lengths of the axes, `rank` of them.
  const int64_t *shape;
  int32_t rank;
  /// Number of classes of a class-valued field, 0 otherwise.
  int32_t classes;
} LocoDataField;

/// What a source gives. All memory belongs to the source and lives until it is
/// closed.
typedef struct LocoDataDescription {
  const LocoDataField *fields;
  int32_t numFields;
  /// Steps of every sample; 0 if no field is per step.
  int64_t steps;
} LocoDataDescription;

/// The five functions, and what they are called by.
typedef struct LocoDataInterface {
  /// LOCO_DATA_VERSION.
  uint32_t version;
  /// As in `data name(...)`.
  const char *name;
  /// Passed to `open`.
  void *context;

  /// Makes a source from the call that names it. Options are to be checked:
  /// an unknown one is an error. `call` lives during the call of `open` only.
  int (*open)(void *context, const LocoDataOption *call, uint64_t seed,
              void **source, char *message, size_t messageBytes);

  /// Fills the description.
  void (*describe)(void *source, LocoDataDescription *description);

  /// Number of samples, or LOCO_DATA_INFINITE.
  int64_t (*length)(void *source);

  /// Writes samples first to first + count - 1. There is one buffer per field,
  /// in the order of the description; NULL for a field nobody wants. A buffer
  /// holds `count` samples one after the other, each [steps, shape...] or
  /// [shape...] in row-major order. The range lies within the length.
  int (*readRange)(void *source, uint64_t first, int64_t count,
                   void *const *buffers, char *message, size_t messageBytes);

  /// Frees the source. Not called if `open` failed.
  void (*close)(void *source);
} LocoDataInterface;

/// A shared library is a data source, too: `data plugin("libx.so", ...)` calls
/// the function of this name and type that it exports, and opens what that
/// gives, with the options behind the file's name. What it points to lives as
/// long as the library is loaded, which is as long as the process.
#define LOCO_DATA_PLUGIN_SYMBOL "locoDataPlugin"
typedef const LocoDataInterface *(*LocoDataPlugin)(void);

/// Adds a source under its name, for the whole process. The interface is
/// copied. It fails if the version is unknown, a function is missing or the
/// name is taken.
int locoDataRegister(const LocoDataInterface *interface, char *message,
                     size_t messageBytes);

/// Takes back what locoDataRegister added, by its name; for an interface whose
/// context ends before the process does. None of its sources may be open, nor
/// be opened meanwhile.
void locoDataRemove(const char *name);

/// Opens the source that `call` names: for sources that contain another one.
/// On success `*interface` (valid for the rest of the process) holds the
/// functions for `*source`, which the caller closes.
int locoDataOpen(const LocoDataOption *call, uint64_t seed,
                 const LocoDataInterface **interface, void **source,
                 char *message, size_t messageBytes);

#ifdef __cplusplus
}
#endif

#endif /* LOCO_C_DATA_H */
