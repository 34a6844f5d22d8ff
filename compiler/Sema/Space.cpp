//===- Space.cpp - The spaces that values live on -------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Space.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

using namespace loco;
using namespace loco::sema;
using llvm::SmallVector;
using llvm::StringRef;

SmallVector<int64_t, 4> Space::getShape() const {
  SmallVector<int64_t, 4> shape;
  if (copies)
    shape.push_back(copies);
  if (channels)
    shape.push_back(channels);
  shape.append(sites.begin(), sites.end());
  return shape;
}

int64_t Space::getNumSites() const {
  int64_t number = 1;
  for (int64_t extent : sites)
    number *= extent;
  return number;
}

int64_t Space::getNumElements() const {
  return getNumSites() * std::max<int64_t>(channels, 1) *
         std::max<int64_t>(copies, 1);
}

static StringRef getKindName(SpaceKind kind) {
  switch (kind) {
  case SpaceKind::Scalar:
    return "scalar";
  case SpaceKind::Vector:
    return "vector";
  case SpaceKind::Class:
    return "class";
  case SpaceKind::Image:
    return "image";
  case SpaceKind::Set:
    return "set";
  case SpaceKind::Ring:
    return "ring";
  case SpaceKind::Rings:
    return "rings";
  case SpaceKind::Torus:
    return "torus";
  case SpaceKind::Line:
    return "line";
  case SpaceKind::Grid:
    return "grid";
  }
  llvm_unreachable("unknown kind of space");
}

std::string Space::spell() const {
  std::string text = name;
  if (name.empty()) {
    text = getKindName(kind).str();
    std::string extents = llvm::join(
        llvm::map_range(sites, [](int64_t n) { return std::to_string(n); }),
        ", ");
    if (kind == SpaceKind::Image && channels)
      extents += ", " + std::to_string(channels);
    if (!extents.empty())
      text += "(" + extents + ")";
  }
  if (channels && kind != SpaceKind::Image)
    text += " by channels(" + std::to_string(channels) + ")";
  return text;
}

/// `text (2 x 36 x 36)` for lattices with a name, whose size cannot be seen.
static std::string addShape(std::string text, const Space &space) {
  if (space.name.empty())
    return text;
  SmallVector<std::string, 4> extents;
  if (space.channels)
    extents.push_back(std::to_string(space.channels));
  for (int64_t extent : space.sites)
    extents.push_back(std::to_string(extent));
  return text + " (" + llvm::join(extents, " x ") + ")";
}

std::string Space::describe() const { return addShape(spell(), *this); }

std::string Space::quote() const {
  return addShape("`" + spell() + "`", *this);
}

const Space *SpaceTable::get(Space space) {
  std::string key = (space.spell() + "#" + llvm::Twine(int(space.kind)) + "#" +
                     llvm::Twine(space.copies))
                        .str();
  // Models inside of others may have lattices of equal names.
  if (space.declared.isValid())
    key += "@" + std::to_string(space.declared.file.index) + ":" +
           std::to_string(space.declared.begin);
  for (int64_t extent : space.sites)
    key += "," + std::to_string(extent);
  const Space *&known = unique[key];
  if (!known)
    known = &spaces.emplace_back(std::move(space));
  return known;
}

const Space *SpaceTable::getVector(int64_t size) {
  Space space;
  space.kind = SpaceKind::Vector;
  space.sites = {size};
  return get(std::move(space));
}

const Space *SpaceTable::withChannels(const Space *space, int64_t channels) {
  Space result = *space;
  result.channels = channels;
  return get(std::move(result));
}

const Space *SpaceTable::withCopies(const Space *space, int64_t copies) {
  Space result = *space;
  result.copies = copies;
  return get(std::move(result));
}

const Space *SpaceTable::getRing(const Space *rings) {
  Space result;
  result.kind = SpaceKind::Ring;
  result.name = rings->name + ".ring";
  result.sites = {rings->sites.back()};
  result.declared = rings->declared;
  return get(std::move(result));
}

bool sema::findBroadcast(const Space *from, const Space *to,
                         llvm::SmallVectorImpl<int64_t> &axes) {
  axes.clear();
  if (from == to)
    return true;
  int64_t rank = to->getShape().size();
  if (from->isScalar()) {
    llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
    return true;
  }
  if (!from->isLattice() || !to->isLattice() || from->copies || to->copies ||
      (from->channels && from->channels != to->channels))
    return false;
  // The channel axis is the first one of `to`, that of the rings comes next.
  if (to->channels && !from->channels)
    axes.push_back(0);
  if (to->kind == SpaceKind::Rings && from->kind == SpaceKind::Ring &&
      from->name == to->name + ".ring")
    axes.push_back(to->channels ? 1 : 0);
  else if (from->kind != to->kind || from->name != to->name ||
           !(from->declared == to->declared) ||
           from->sites != to->sites)
    return false;
  return true;
}
