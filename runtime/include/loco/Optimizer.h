//===- Optimizer.h - Updates of parameters ----------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The optimisers mean what PyTorch means. One update of a parameter p with
// gradient g, rate r (after schedule and rules), coupled decay c and decoupled
// decay d; gradients are clipped before:
//
//   g <- g + c p,   p <- p - r d p
//   sgd:    v <- mu v + g,   p <- p - r v        (nesterov: p <- p - r (g + mu
//   v)) adam:   m <- b1 m + (1 - b1) g,   s <- b2 s + (1 - b2) g^2
//           p <- p - r / (1 - b1^t) m / (sqrt(s) / sqrt(1 - b2^t) + eps)
//
// Tensors are updated in their own precision. All results are the same for
// every number of threads: sums are made over fixed pieces and added in order.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_OPTIMIZER_H
#define LOCO_OPTIMIZER_H

#include "loco/Expected.h"
#include "loco/Program.h"
#include "loco/ThreadPool.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace loco {

/// How the parameters whose name matches a pattern differ from the others.
struct ParameterRule {
  /// A name stands for the parameter and all below it: `u.linear` is
  /// `u.linear.weight` and `u.linear.bias`, `dt` is `dt.raw`. `*` and `?` stand
  /// for any characters: `*.bias`. Of several rules about one thing the last
  /// one counts.
  std::string pattern;
  /// Base rate of these parameters; the schedule applies to it as well.
  std::optional<double> rate = std::nullopt;
  /// Not changed, and left out of the gradient's norm. A rate that a later rule
  /// gives ends it.
  bool frozen = false;
  /// In place of the optimiser's decay, coupled or decoupled as that is.
  std::optional<double> decay = std::nullopt;
};

struct OptimizerOptions {
  enum class Method : uint8_t { Sgd, Adam };
  Method method = Method::Sgd;
  double rate = 1e-3;
  /// Sgd.
  double momentum = 0;
  bool nesterov = false;
  /// Adam.
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  /// Decay that is added to the gradient (PyTorch's `weight_decay`).
  double coupledDecay = 0;
  /// Decay of the value itself, r d p (AdamW's `weight_decay`).
  double decoupledDecay = 0;
  /// True if the decay of a rule is of the value itself.
  bool decouplesDecay = false;
  /// Largest 2-norm of all gradients together; 0: any.
  double clipNorm = 0;
  /// Largest absolute value of an entry, applied before clipNorm; 0: any.
  double clipValue = 0;
  std::vector<ParameterRule> rules;

  /// An error that names the value that makes no sense.
  Status check() const;

  /// Bytes that training holds of a Param or Frozen argument: the values
  /// themselves and, where they are learned, gradients and what is remembered.
  int64_t heldBytes(const ArgumentSpec &parameter) const;
};

/// What a parameter is changed by, after all rules.
struct ParameterFactors {
  double rate = 0, coupledDecay = 0, decoupledDecay = 0;
};

/// Adam's divisors in update number `number`: of the step, and of the root of
/// the second moment.
struct AdamCorrections {
  double step = 1, root = 1;
  AdamCorrections(const OptimizerOptions &options, int64_t number);
};

/// Elements that are handled together, by a thread of the processor or by a
/// block of a device: a piece of a gradient stays in the first-level cache
/// while it is clipped, decayed and applied. Part of the meaning of norms,
/// whose sums are made per piece, in so many parts: element i is of part i mod
/// normParts.
inline constexpr int64_t updatePieceSize = 4096;
inline constexpr int64_t normParts = 8;

/// "sgd" or "adam".
const char *describe(OptimizerOptions::Method method);

class Optimizer {
public:
  /// For the Param arguments among `arguments`. An error for a rule whose
  /// pattern matches none, for integer parameters, and where options make no
  /// sense. The pool must outlive the optimiser.
  static Expected<Optimizer> create(const OptimizerOptions &options,
                                    const std::vector<ArgumentSpec> &arguments,
                                    ThreadPool &pool);

  /// Names of the parameters that are learned, in name order: the gradients to
  /// ask for.
  const std::vector<std::string> &trained() const { return names; }

  /// 2-norm over the gradients of all learned parameters together, before any
  /// clipping. Infinite or not a number exactly if some gradient is.
  double gradientNorm(const TensorMap &gradients) const;

  /// One update. `norm` is the gradientNorm of the gradients,
  /// `scheduleFactor` multiplies all rates.
  void update(TensorMap &parameters, const TensorMap &gradients, double norm,
              double scheduleFactor);

  const OptimizerOptions &settings() const { return options; }
  /// Of each of trained().
  const std::vector<ParameterFactors> &parameterFactors() const {
    return factors;
  }
  /// Beginnings of the names in state(), in the order in which an update takes
  /// them: `first-moment/`, `second-moment/`; none for plain descent.
  std::vector<std::string> statePrefixes() const;

  /// An update was made where the model runs (Program::makeResident). What it
  /// remembers is stale until it is written to lendState().
  void countUpdate() { ++numUpdates; }
  TensorMap &lendState() { return memory; }

  /// Updates done so far, Adam's t.
  int64_t updates() const { return numUpdates; }

  /// Everything it remembers: `velocity/b`, or `first-moment/b` and
  /// `second-moment/b`, in the shapes of the parameters.
  const TensorMap &state() const { return memory; }
  /// The state of a checkpoint. An error, and nothing changed, unless names,
  /// shapes and types are those of state().
  Status restore(TensorMap state, int64_t updates);

private:
  /// Some elements of a tensor, the unit of work of a thread.
  struct Piece {
    size_t parameter;
    int64_t begin, count;
  };

  explicit Optimizer(ThreadPool &pool) : pool(&pool) {}
  void forPieces(const std::function<void(size_t index)> &body) const;
  double normOf(const TensorMap &gradients, double clipValue) const;
  template <typename T>
  void updatePiece(const Piece &piece, TensorMap &parameters,
                   const TensorMap &gradients, double normScale,
                   double scheduleFactor);

  ThreadPool *pool;
  OptimizerOptions options;
  std::vector<std::string> names;
  /// Of each of `names`.
  std::vector<ParameterFactors> factors;
  std::vector<Piece> pieces;
  TensorMap memory;
  /// Names in `memory`: those of a parameter follow each other, in the order of
  /// statePrefixes().
  std::vector<std::string> stateNames;
  /// Of each piece; kept, as an update must not allocate.
  mutable std::vector<double> sums;
  int64_t numUpdates = 0;
};

} // namespace loco

#endif // LOCO_OPTIMIZER_H
