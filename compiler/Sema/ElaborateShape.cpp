//===- ElaborateShape.cpp - Values under other shapes ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// reshape, concat, upsample, average_pool, and subscripts with ranges or with
// several numbers.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

/// Numbers in a row, without sites.
static bool isRow(const Space *space) {
  return space->kind == SpaceKind::Vector || space->kind == SpaceKind::Class ||
         space->isScalar();
}

static const Space *getImage(SpaceTable &spaces, int64_t rows, int64_t columns,
                             int64_t channels) {
  Space image;
  image.kind = SpaceKind::Image;
  image.sites = {rows, columns};
  image.channels = channels;
  return spaces.get(std::move(image));
}

Meaning Elaborator::callShape(Builtin builtin, const Call &call) {
  if (builtin == Builtin::Reshape)
    return reshapeTo(call);
  if (builtin == Builtin::Concat)
    return joinValues(call);
  if (builtin == Builtin::Outer)
    return multiplyOuter(call);
  return resample(builtin, call);
}

//===----------------------------------------------------------------------===//
// reshape(e -> space)
//===----------------------------------------------------------------------===//

Meaning Elaborator::reshapeTo(const Call &call) {
  const ast::Expr *last = call.getExpr(call.size() - 1);
  auto *arrow = llvm::dyn_cast_or_null<ast::ArrowExpr>(last);
  if (!arrow || bool(arrow->source) == bool(call.piped) ||
      call.arguments.size() != 1) {
    error("missing-space", call.range,
          "`reshape` needs a value and the space that it becomes")
        .hint("write `reshape(e -> image(4, 4, 8))`");
    return {};
  }
  SourceRange range = arrow->source ? arrow->source->getRange() : call.range;
  Node *value = requireValue(
      arrow->source ? elaborate(arrow->source) : *call.piped, range);
  const Space *space = evaluateSpace(arrow->space);
  if (!value || !space)
    return {};
  int64_t number = 1;
  for (int64_t extent : value->shape)
    number *= extent;
  if (number == space->getNumElements())
    return Meaning::ofValue(graph.reshape(value, space));
  error("space-mismatch", range,
        "`" + getText(range) + "` has " + llvm::Twine(number) +
            " values, but " + space->quote() + " has " +
            llvm::Twine(space->getNumElements()));
  return {};
}

//===----------------------------------------------------------------------===//
// concat(a, b)
//===----------------------------------------------------------------------===//

/// Joins channels of fields on the same sites, or rows of numbers.
Meaning Elaborator::joinValues(const Call &call) {
  SmallVector<Node *> parts;
  bool failed = false;
  for (size_t i = 0; i < call.size(); ++i) {
    Node *part = requireValue(getArgument(call, i), call.getRange(i));
    failed |= !part;
    parts.push_back(part);
  }
  if (failed)
    return {};
  const Space *first = parts.front()->space;
  bool rows = isRow(first);
  int64_t total = 0;
  for (auto [i, part] : llvm::enumerate(parts)) {
    const Space *space = part->space;
    bool fits =
        rows ? isRow(space)
             : spaces.withChannels(space, 0) == spaces.withChannels(first, 0);
    if (!fits || space->copies) {
      reportMismatch(parts.front(), part, call.getRange(0), call.getRange(i));
      return {};
    }
    SmallVector<int64_t, 4> shape(part->shape);
    if (rows ? space->isScalar() : !space->channels)
      shape.insert(shape.begin(), 1);
    total += shape.front();
    if (shape != part->shape)
      part = graph.reshapeTo(part, shape, nullptr);
  }
  return Meaning::ofValue(graph.concat(
      parts, 0,
      rows ? spaces.getVector(total) : spaces.withChannels(first, total)));
}

//===----------------------------------------------------------------------===//
// upsample(e, 2), average_pool(e, 2)
//===----------------------------------------------------------------------===//

/// Each pixel becomes, or is the mean of, n x n pixels.
Meaning Elaborator::resample(Builtin builtin, const Call &call) {
  Node *value = requireValue(getArgument(call, 0), call.getRange(0));
  if (!value)
    return {};
  const Space *space = value->space;
  SourceRange range = call.getRange(0);
  if (space->kind != SpaceKind::Image || space->copies) {
    error("space-mismatch", range,
          "`" + call.name + "` takes an image, but `" + getText(range) +
              "` lives on " + space->quote());
    return {};
  }
  auto factor = evaluateInteger(call.getExpr(1), 1, "a factor");
  if (!factor)
    return {};
  int64_t n = *factor, lead = space->channels ? 1 : 0;
  int64_t rows = space->sites[0], columns = space->sites[1];
  SmallVector<int64_t, 4> tiles, axes = {lead + 1, lead + 3};
  if (lead)
    tiles.push_back(space->channels);
  if (builtin == Builtin::Upsample) {
    if (rows * n > (int64_t(1) << 31) / (columns * n)) {
      error("too-large", call.getRange(1),
            "`" + getText(call.range) + "` has too many values");
      return {};
    }
    tiles.append({rows, n, columns, n});
    Node *tiled = graph.broadcastShape(value, tiles, axes, nullptr);
    return Meaning::ofValue(graph.reshape(
        tiled, getImage(spaces, rows * n, columns * n, space->channels)));
  }
  if (rows % n || columns % n) {
    error("space-mismatch", call.getRange(1),
          llvm::Twine(n) + " x " + llvm::Twine(n) + " pixels do not tile " +
              space->quote());
    return {};
  }
  const Space *pooled =
      getImage(spaces, rows / n, columns / n, space->channels);
  tiles.append({rows / n, n, columns / n, n});
  Node *sum = graph.reduce(Op::Sum, graph.reshapeTo(value, tiles, nullptr),
                           axes, pooled);
  return Meaning::ofValue(
      graph.binary(Op::Divide, sum, graph.constantLike(n * n, sum)));
}

//===----------------------------------------------------------------------===//
// e[a..b], e[1, 2]
//===----------------------------------------------------------------------===//

namespace {
/// What one subscript takes of its axis.
struct Taken {
  int64_t first = 0, count = 1;
  bool isRange = false;
};
} // namespace

/// One subscript of an axis of `extent`: a number, or a range whose ends both
/// belong to it.
static std::optional<Taken> readSubscript(Elaborator &e, const ast::Expr *expr,
                                          int64_t extent) {
  Taken taken;
  auto *range = llvm::dyn_cast<ast::RangeExpr>(expr);
  const ast::Expr *from = range ? range->first : expr;
  const ast::Expr *to = range ? range->last : nullptr;
  std::optional<int64_t> first =
      from ? e.evaluateInteger(from, 0, "an index") : 0;
  std::optional<int64_t> last = to      ? e.evaluateInteger(to, 0, "an index")
                                : range ? extent - 1
                                        : first;
  if (!first || !last)
    return std::nullopt;
  if (*last >= extent || *first >= extent) {
    e.error("index-out-of-range", expr->getRange(),
            "this axis has " + llvm::Twine(extent) +
                " elements, counted from 0");
    return std::nullopt;
  }
  if (*first > *last) {
    e.error("empty-range", expr->getRange(),
            "the range `" + e.getText(expr->getRange()) + "` is empty");
    return std::nullopt;
  }
  taken.first = *first;
  taken.count = *last - *first + 1;
  taken.isRange = range;
  return taken;
}

/// A box of a value: a range of channels or numbers, or one subscript for each
/// axis, channels first.
Meaning Elaborator::takeBox(const ast::SubscriptExpr &expr, Node *value) {
  const Space *space = value->space;
  StringRef text = getText(expr.base->getRange());
  size_t axes = value->shape.size(), given = expr.indices.size();
  bool hasRow = space && (isRow(space) || space->channels) && axes > 0;
  if (!space || space->copies || (given != axes && !(given == 1 && hasRow))) {
    Diagnostic &diagnostic = error(
        "not-indexable", expr.getRange(),
        "`" + text + "` lives on " +
            (space ? space->quote() : std::string("no space")) +
            ", which has " + llvm::Twine(axes) +
            (axes == 1 ? " axis, not " : " axes, not ") + llvm::Twine(given));
    if (given == 1 && value->perStep)
      diagnostic.hint("ranges of steps stand only in `outputs`, `final` and "
                      "reductions over time");
    else if (given == 1 && axes > 1)
      diagnostic.hint("ranges of sites need a subscript for each axis");
    return {};
  }
  SmallVector<Taken, 4> taken;
  for (auto [i, index] : llvm::enumerate(expr.indices)) {
    std::optional<Taken> part = readSubscript(*this, index, value->shape[i]);
    if (!part)
      return {};
    taken.push_back(*part);
  }
  SmallVector<int64_t, 4> offsets(axes, 0), box(value->shape);
  // What is left of channels and sites.
  int64_t channels = given == axes ? 0 : space->channels;
  SmallVector<int64_t, 4> left;
  for (auto [i, part] : llvm::enumerate(taken)) {
    offsets[i] = part.first;
    box[i] = part.count;
    bool isChannel = space->channels && i == 0;
    if (isChannel)
      channels = part.isRange ? part.count : 0;
    else if (part.isRange)
      left.push_back(part.count);
  }
  Node *piece = graph.slice(value, offsets, box);
  const Space *result = nullptr;
  if (given != axes)
    result = isRow(space) ? spaces.getVector(taken[0].count)
                          : spaces.withChannels(space, channels);
  else if (left.empty())
    result = channels ? spaces.getVector(channels) : spaces.getScalar();
  else if (left.size() == 2 && space->kind == SpaceKind::Image)
    result = getImage(spaces, left[0], left[1], channels);
  else if (left.size() == 1 && !channels)
    result = spaces.getVector(left[0]);
  if (!result) {
    error("not-a-space", expr.getRange(),
          "a piece of " + space->quote() + " is not a space")
        .hint("pieces are rows of numbers, or of an image rows and columns");
    return {};
  }
  return Meaning::ofValue(graph.reshape(piece, result));
}
