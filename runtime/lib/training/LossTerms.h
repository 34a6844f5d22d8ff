//===- LossTerms.h - The terms of a loss ------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loss of several terms has, beside the result that is learned, a probe
// `loss.<name>` for each of them: one number per sample, without its weight.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_TRAINING_LOSSTERMS_H
#define LOCO_RUNTIME_TRAINING_LOSSTERMS_H

#include "loco/Program.h"

#include <map>
#include <string>
#include <vector>

namespace loco {

/// What to ask for to be told all terms: the loss and its terms, or nothing if
/// there are no terms.
std::vector<std::string> lossResults(const Program &program);

/// Means over the samples of a batch of all terms, by name.
std::map<std::string, double> meanTerms(const Program &program,
                                        const Reply &reply, int64_t samples);

} // namespace loco

#endif // LOCO_RUNTIME_TRAINING_LOSSTERMS_H
