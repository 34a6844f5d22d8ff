//===- ProgramBuilder.h - How random programs are made ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A builder holds the values of one region. Each `add...` function picks
// operands among them, emits ops and puts the results back, or returns false if
// nothing fits.
//
//===----------------------------------------------------------------------===//

#ifndef TEST_UNIT_PROGRAMBUILDER_H
#define TEST_UNIT_PROGRAMBUILDER_H

#include "dialects/Loco/IR/LocoOps.h"
#include "test/Unit/RandomPrograms.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <deque>
#include <random>

namespace loco::test {

/// Decisions, the same on every platform (std's distributions are not).
class Dice {
public:
  explicit Dice(uint64_t seed) : engine(seed) {}
  /// A whole number from `low` to `high`.
  int64_t number(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine() % (high - low + 1));
  }
  bool chance(double probability) { return real(0, 1) < probability; }
  double real(double low, double high) {
    return low + (high - low) * ((engine() >> 11) * 0x1p-53);
  }
  template <typename Range>
  auto pick(const Range &range) {
    return range[number(0, range.size() - 1)];
  }

private:
  std::mt19937_64 engine;
};

/// Length of a time axis: a constant, or that of the function's stacked
/// arguments.
constexpr int64_t mainLength = 0;
/// Bound of the main length, for estimates of size.
constexpr int64_t maxSteps = 8;

/// A value that ops may take.
struct Item {
  mlir::Value value;
  /// No element is larger.
  double bound = 1;
  /// Lengths of the leading dynamic axes.
  llvm::SmallVector<int64_t, 2> lengths;
  unsigned uses = 0;
  /// Does not depend on the function's floating-point arguments: comparing it
  /// makes no kink.
  bool constant = false;

  mlir::RankedTensorType getType() const {
    return llvm::cast<mlir::RankedTensorType>(value.getType());
  }
  bool isField() const {
    return llvm::isa<mlir::FloatType>(getType().getElementType());
  }
  bool isMask() const { return getType().getElementType().isInteger(1); }
  bool isLabel() const { return getType().getElementType().isInteger(32); }
  bool isStacked() const { return !lengths.empty(); }
  bool hasType(mlir::Type type, llvm::ArrayRef<int64_t> otherLengths) const {
    return value.getType() == type && llvm::ArrayRef(lengths) == otherLengths;
  }
};

/// What all regions of a program share.
struct Program {
  const Options &options;
  Dice dice;
  mlir::FloatType element;
  mlir::func::FuncOp helper;

  bool allows(llvm::StringRef name) const {
    return !llvm::is_contained(options.excluded, name);
  }
};

class ProgramBuilder {
public:
  ProgramBuilder(Program &program, mlir::Block *block, mlir::Location loc,
                 unsigned depth, bool elementwiseOnly);

  /// Emits about `count` ops.
  void addOps(unsigned count);

  void addItem(Item item) { items.push_back(std::move(item)); }
  /// The field that fewest ops take; null if all are taken.
  Item *getUnused();
  /// A scalar that depends on all unused fields.
  mlir::Value sumUnused();
  /// A value of the type from some of the region's, with its bound.
  Item makeField(mlir::RankedTensorType type,
                 llvm::ArrayRef<int64_t> lengths = {});
  /// A random static type of a field.
  mlir::RankedTensorType makeType(int64_t maxRank = 3);

  mlir::ImplicitLocOpBuilder builder;
  /// The region's values; null where it has none.
  mlir::Value key, mainSteps, step;
  /// Length of the loop whose body the region is.
  int64_t stepLength = -1;
  /// How many steps the loops took that end by themselves, by their length.
  llvm::SmallVector<std::pair<int64_t, mlir::Value>> counts;

private:
  // RandomPrograms.cpp
  void addOp();
  Item *pick(llvm::function_ref<bool(const Item &)> fits);
  Item *pickField(llvm::function_ref<bool(const Item &)> fits = nullptr);
  Item *pickStatic(int64_t minRank = 0);
  Item use(Item *item);
  void addResult(mlir::Value value, double bound,
                 llvm::ArrayRef<int64_t> lengths, bool constant = false);
  /// A result like an operand's: its lengths, constant if all are.
  void addLike(mlir::Value value, double bound,
               std::initializer_list<Item> operands);
  mlir::RankedTensorType getType(llvm::ArrayRef<int64_t> shape);
  Item makeConstant(mlir::RankedTensorType type);
  Item makeSource(mlir::RankedTensorType type);
  Item scale(Item item, double bound);
  Item reduceToScalar(Item item);
  mlir::Value getLength(int64_t length);
  mlir::Value getSomeStep(int64_t length);
  mlir::Value makeSplat(mlir::RankedTensorType type, double value);

  // RandomElementwise.cpp
  bool addUnary();
  bool addStackedElementwise();
  bool addBinary();
  bool addSelect();
  bool addScalarSelect();
  Item makeMask(mlir::RankedTensorType type);
  Item makePositive(Item item);

  // RandomShapes.cpp
  bool addBroadcast();
  bool addReduce();
  bool addFirstMax();
  bool addReshape();
  bool addTranspose();
  bool addSlice();
  bool addPad();
  bool addConcat();
  bool addRoll();
  bool addSource();
  bool addOneHot();

  // RandomForms.cpp
  bool addContract();
  bool addConv();
  bool addStencil();
  bool addGradient();

  // RandomLoops.cpp
  bool addScan();
  bool addAt();
  bool addPlace();
  bool addWindow();
  bool addPlaceWindow();
  bool addMovedSteps(
      llvm::function_ref<mlir::Value(mlir::Type, mlir::Value, mlir::Value,
                                     mlir::Value)>
          create);
  bool addZeros();
  bool addCall();

  friend class LoopBuilder;

  Program &program;
  Dice &dice;
  unsigned depth;
  bool elementwiseOnly;
  /// The region is the body of a gradient.
  bool insideGradient = false;
  /// Stable places: items are handed around by pointer.
  std::deque<Item> items;
};

/// Largest number of elements of a static field.
constexpr int64_t maxElements = 600;
/// Bound above which a value is scaled down.
constexpr double maxBound = 4;

} // namespace loco::test

#endif // TEST_UNIT_PROGRAMBUILDER_H
