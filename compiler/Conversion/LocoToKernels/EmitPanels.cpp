//===- EmitPanels.cpp - Matrix products within a time loop ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A recurrence multiplies a few rows (samples) with the same matrix in every
// step: too few for a library, which packs the matrix anew at each call. Here
// it is packed once before the loop, into panels of as many columns as a vector
// has lanes. A tile is some rows by some panels, whose sums stay in registers:
// each load of the panel serves all rows, each number of a row all panels.
//
// Two kinds of functions are added to the module, once, whatever the number and
// the sizes of its products: tiles, and the product that divides rows and
// panels over them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace loco;

namespace {

/// Rows of a tile, and the panels it is made for, most first. A tile of eight
/// rows and three panels has 24 sums, and 11 loads for 24 multiplications.
struct TileShape {
  int64_t rows;
  SmallVector<int64_t, 3> panels;
};

/// Emits the functions of one element type.
class PanelFunctions {
public:
  PanelFunctions(OpBuilder &b, ModuleOp module, Type element, int64_t lanes,
                 bool manyRegisters)
      : b(b), module(module), loc(b.getUnknownLoc()), element(element),
        lanes(lanes), bytes(bytesOf(element)) {
    pointer = LLVM::LLVMPointerType::get(b.getContext());
    vector = VectorType::get({lanes}, element);
    if (manyRegisters)
      shapes = {{8, {3, 2, 1}}, {4, {5, 1}}, {2, {8, 1}}, {1, {8, 1}}};
    else
      shapes = {{4, {3, 1}}, {2, {4, 1}}, {1, {8, 1}}};
  }

  /// out[n, columns] (+)= rows[n, inner] panels
  func::FuncOp product();

private:
  /// Arguments of both kinds of functions, in order. Pitches are in bytes.
  struct Arguments {
    Value rows, rowPitch, count, panels, inner, columns, out, outPitch,
        accumulate;

    SmallVector<Value> list() const {
      return {rows,    rowPitch, count,    panels,    inner,
              columns, out,      outPitch, accumulate};
    }
  };

  func::FuncOp begin(StringRef name, Arguments &arguments);
  func::FuncOp tile(int64_t rows, int64_t panels);
  void forTiles(const TileShape &shape, const Arguments &all, Value rest);

  std::string nameOf(StringRef what) const {
    std::string text;
    llvm::raw_string_ostream(text) << "loco." << what << "." << element;
    return text;
  }
  Value number(int64_t value) {
    return arith::ConstantIntOp::create(b, loc, b.getI64Type(), value);
  }
  Value plus(Value a, Value c) { return arith::AddIOp::create(b, loc, a, c); }
  Value minus(Value a, Value c) { return arith::SubIOp::create(b, loc, a, c); }
  Value times(Value a, Value c) { return arith::MulIOp::create(b, loc, a, c); }
  Value whole(Value a, int64_t divisor) {
    return minus(a, arith::RemUIOp::create(b, loc, a, number(divisor)));
  }
  Value at(Value base, Value offset) {
    return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base,
                               ValueRange(offset));
  }
  /// for (i = begin; i < end; i += step) body(i)
  void loop(Value begin, Value end, int64_t step,
            llvm::function_ref<void(Value)> body) {
    auto loop = scf::ForOp::create(b, loc, begin, end, number(step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    body(loop.getInductionVar());
  }

  OpBuilder &b;
  ModuleOp module;
  Location loc;
  Type element, pointer;
  VectorType vector;
  int64_t lanes, bytes;
  SmallVector<TileShape> shapes;
};

} // namespace

func::FuncOp PanelFunctions::begin(StringRef name, Arguments &arguments) {
  Type i64 = b.getI64Type();
  b.setInsertionPointToEnd(module.getBody());
  auto function =
      func::FuncOp::create(b, loc, name,
                           b.getFunctionType({pointer, i64, i64, pointer, i64,
                                              i64, pointer, i64, b.getI1Type()},
                                             {}));
  // Every module that needs it has its own.
  function.setPrivate();
  function->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  Block *entry = function.addEntryBlock();
  auto a = entry->getArguments();
  arguments = {a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]};
  b.setInsertionPointToStart(entry);
  return function;
}

/// Steps along the inner axis by which panels are asked for ahead.
static constexpr int64_t prefetchSteps = 24;

/// All of the inner axis for `rows` rows and `panels` panels. Rows beyond
/// `count` are the last one again, and do no harm.
func::FuncOp PanelFunctions::tile(int64_t rows, int64_t panels) {
  std::string name = nameOf("tile") + "." + std::to_string(rows) + "x" +
                     std::to_string(panels);
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder::InsertionGuard guard(b);
  Arguments a;
  func::FuncOp function = begin(name, a);

  Value last = minus(a.count, number(1));
  SmallVector<Value> from, to, valid, starts;
  for (int64_t r = 0; r < rows; ++r) {
    Value row = arith::MinSIOp::create(b, loc, number(r), last);
    from.push_back(at(a.rows, times(row, a.rowPitch)));
    to.push_back(at(a.out, times(row, a.outPitch)));
  }
  SmallVector<int32_t> order(lanes);
  for (int64_t i = 0; i < lanes; ++i)
    order[i] = i;
  auto integers = VectorType::get({lanes}, b.getI32Type());
  Value iota = arith::ConstantOp::create(
      b, loc, integers, DenseElementsAttr::get(integers, ArrayRef(order)));
  Value panelBytes = times(a.inner, number(lanes * bytes));
  for (int64_t p = 0; p < panels; ++p) {
    Value left = minus(a.columns, number(p * lanes));
    left = arith::TruncIOp::create(b, loc, b.getI32Type(), left);
    left = vector::BroadcastOp::create(b, loc, integers, left);
    valid.push_back(
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, iota, left));
    starts.push_back(at(a.panels, times(panelBytes, number(p))));
  }
  auto cell = [&](int64_t r, int64_t p) {
    return at(to[r], number(p * lanes * bytes));
  };

  // What is there already, or nothing.
  SmallVector<Type> types(rows * panels, vector);
  Value zero = arith::ConstantOp::create(b, loc, vector, b.getZeroAttr(vector));
  auto old = scf::IfOp::create(b, loc, types, a.accumulate, true);
  {
    OpBuilder::InsertionGuard inside(b);
    b.setInsertionPointToStart(old.thenBlock());
    SmallVector<Value> loaded;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t p = 0; p < panels; ++p)
        loaded.push_back(LLVM::MaskedLoadOp::create(
            b, loc, vector, cell(r, p), valid[p], zero,
            b.getI32IntegerAttr(bytes), UnitAttr()));
    scf::YieldOp::create(b, loc, loaded);
    b.setInsertionPointToStart(old.elseBlock());
    scf::YieldOp::create(b, loc, SmallVector<Value>(rows * panels, zero));
  }
  auto sums = scf::ForOp::create(b, loc, number(0), a.inner, number(1),
                                 old.getResults());
  {
    OpBuilder::InsertionGuard inside(b);
    b.setInsertionPointToEnd(sums.getBody());
    Value k = sums.getInductionVar();
    SmallVector<Value> weights, next(sums.getRegionIterArgs());
    Value line = times(k, number(lanes * bytes)), one = times(k, number(bytes));
    for (int64_t p = 0; p < panels; ++p) {
      Value here = at(starts[p], line);
      weights.push_back(LLVM::LoadOp::create(b, loc, vector, here, bytes));
      LLVM::Prefetch::create(
          b, loc, at(here, number(prefetchSteps * lanes * bytes)), 0, 3, 1);
    }
    for (int64_t r = 0; r < rows; ++r) {
      Value x = LLVM::LoadOp::create(b, loc, element, at(from[r], one), bytes);
      x = vector::BroadcastOp::create(b, loc, vector, x);
      for (int64_t p = 0; p < panels; ++p) {
        Value &sum = next[r * panels + p];
        sum = math::FmaOp::create(b, loc, x, weights[p], sum);
      }
    }
    scf::YieldOp::create(b, loc, next);
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t p = 0; p < panels; ++p)
      LLVM::MaskedStoreOp::create(b, loc, sums.getResult(r * panels + p),
                                  cell(r, p), valid[p],
                                  b.getI32IntegerAttr(bytes));
  func::ReturnOp::create(b, loc);
  return function;
}

/// The whole tiles of `shape`, panel by panel; or, if `rest` is given, one tile
/// of rows for the last `rest` rows.
void PanelFunctions::forTiles(const TileShape &shape, const Arguments &all,
                              Value rest) {
  Value panelBytes = times(all.inner, number(lanes * bytes));
  Value tiles = arith::CeilDivUIOp::create(b, loc, all.columns, number(lanes));
  Value fullRows = whole(all.count, shape.rows), begin = number(0);
  for (int64_t panels : shape.panels) {
    func::FuncOp function = tile(shape.rows, panels);
    Value end = plus(begin, whole(minus(tiles, begin), panels));
    loop(begin, end, panels, [&](Value panel) {
      Arguments part = all;
      part.panels = at(all.panels, times(panel, panelBytes));
      part.columns = minus(all.columns, times(panel, number(lanes)));
      Value column = times(panel, number(lanes * bytes));
      auto call = [&](Value row, Value count) {
        Arguments each = part;
        each.rows = at(all.rows, times(row, all.rowPitch));
        each.out = at(all.out, plus(times(row, all.outPitch), column));
        each.count = count;
        func::CallOp::create(b, loc, function, each.list());
      };
      if (rest)
        return call(minus(all.count, rest), rest);
      loop(number(0), fullRows, shape.rows,
           [&](Value row) { call(row, number(shape.rows)); });
    });
    begin = end;
  }
}

func::FuncOp PanelFunctions::product() {
  std::string name = nameOf("product");
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder::InsertionGuard guard(b);
  Arguments all;
  func::FuncOp function = begin(name, all);
  forTiles(shapes.front(), all, Value());

  // The smallest tile that holds what is left.
  Value rest =
      arith::RemUIOp::create(b, loc, all.count, number(shapes.front().rows));
  Value least = number(0);
  for (const TileShape &shape : llvm::reverse(shapes)) {
    Value most = number(shape.rows);
    Value fits = arith::AndIOp::create(
        b, loc,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, rest, least),
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, rest, most));
    auto branch = scf::IfOp::create(b, loc, fits, false);
    OpBuilder::InsertionGuard inside(b);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    forTiles(shape, all, rest);
    b.setInsertionPointAfter(branch);
    least = most;
  }
  func::ReturnOp::create(b, loc);
  return function;
}

/// Copies a matrix to its panels, or to tiles.
void Emitter::emitPanels(const PackedMatrix &packed) {
  if (!packed.tilesFrom)
    return packPanels(packed);
  llvm::SaveAndRestore atFirst(sample, constant(0));
  startGroup(getElementTypeOrSelf(packed.matrix), 1);
  Value from = pointerTo(schedule.find(packed.matrix)),
        to = pointerTo({packed.place, Value()});
  ifTiles(
      *packed.tilesFrom, [&] { packTiles(packed.form, from, to); },
      [&] { packPanels(packed); });
}

/// Columns that are missing are zero.
void Emitter::packPanels(const PackedMatrix &packed) {
  const MatrixProduct &form = packed.form;
  Type element = getElementTypeOrSelf(packed.matrix);
  startGroup(element, 0);
  Value from = pointerTo(schedule.find(packed.matrix));
  Value to = pointerTo({packed.place, Value()});
  int64_t bytes = bytesOf(element);
  auto alignment = b.getI32IntegerAttr(bytes);
  columns(form.outer, {}, [&](Value first, Carried) {
    loop(form.inner, 1, {}, [&](Value k, Carried) {
      Value mask = valid ? valid : number(b.getI1Type(), 1);
      Value row;
      if (lanes == 1 || !form.transposed) {
        Value index = form.transposed ? plus(times(first, form.inner), k)
                                      : plus(times(k, form.outer), first);
        Value place = address(from, element, index, 0);
        row = lanes == 1
                  ? Value(LLVM::LoadOp::create(b, loc, element, place, bytes))
                  : Value(LLVM::MaskedLoadOp::create(
                        b, loc, vectorOf(element), place, mask,
                        number(element, 0), alignment, UnitAttr()));
      } else {
        auto pointers = VectorType::get(
            {lanes}, LLVM::LLVMPointerType::get(b.getContext()));
        Value base =
            address(from, element, plus(times(first, form.inner), k), 0);
        Value each =
            LLVM::GEPOp::create(b, loc, pointers, element, base,
                                ValueRange(times(iota(), splat32(form.inner))));
        row = LLVM::masked_gather::create(b, loc, vectorOf(element), each, mask,
                                          ValueRange(number(element, 0)),
                                          alignment);
      }
      Value index = plus(times(first, form.inner), times(k, lanes));
      LLVM::StoreOp::create(b, loc, row, address(to, element, index, 0), bytes);
    });
  });
}

/// Our own product of rows and panels.
func::FuncOp Emitter::panelProduct(Type element) {
  auto module = block.getParentRegion()->getParentOfType<ModuleOp>();
  return PanelFunctions(b, module, element, schedule.lanesOf(element),
                        schedule.options.vectorBytes == 64)
      .product();
}

/// All samples of the block at the step at hand, by our own product.
void Emitter::callPanels(const ProductCall &call, Reference out) {
  Type element = getElementTypeOrSelf(call.rows);
  // Addresses are computed before the group's marker.
  llvm::SaveAndRestore atFirst(sample, constant(0));
  startGroup(element, 1);
  Reference rows = schedule.find(call.rows);
  Values arguments = {pointerTo(rows),
                      strides[rows.place],
                      samples,
                      pointerTo({call.panels, Value()}),
                      constant(call.form.inner),
                      constant(call.form.outer),
                      pointerTo(out),
                      strides[out.place]};
  auto byPanels = [&] {
    func::FuncOp function = panelProduct(element);
    Values all = arguments;
    all.push_back(number(b.getI1Type(), call.accumulate));
    func::CallOp::create(b, loc, function, all);
  };
  if (!call.tilesFrom)
    return byPanels();
  ifTiles(
      *call.tilesFrom, [&] { multiplyTiles(arguments, call.accumulate); },
      byPanels);
}
