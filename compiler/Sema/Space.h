//===- Space.h - The spaces that values live on -----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A space says what the axes of a value are. Lattices have names: two lattices
// of equal shape are different spaces. Images, vectors, classes and scalars are
// the same space wherever they have the same shape. Spaces are unique within a
// `SpaceTable`, so they are compared by address.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_SPACE_H
#define COMPILER_SEMA_SPACE_H

#include "compiler/AST/SourceFile.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <deque>
#include <string>

namespace loco::sema {

enum class SpaceKind {
  Scalar,
  Vector,
  Class,
  Image,
  // Lattices.
  Set,
  Ring,
  Rings,
  Torus,
  Line,
  Grid,
};

/// `sheet by channels(2)`: a kind, its sites, and axes in front of the sites.
struct Space {
  SpaceKind kind = SpaceKind::Scalar;
  /// Name of a lattice as declared, or of one axis of it (`sheet.ring`); empty
  /// for all others and for lattices written in place.
  std::string name;
  /// Sites along each axis. An image's channels are not among them.
  llvm::SmallVector<int64_t, 3> sites;
  /// Length of the channel axis; 0 if there is none.
  int64_t channels = 0;
  /// Length of an axis in front of the channels, which holds several fields of
  /// the same space (mean and log-variance); 0 if there is none.
  int64_t copies = 0;
  /// Where a lattice is declared; invalid otherwise.
  SourceRange declared;

  bool isScalar() const { return kind == SpaceKind::Scalar && !channels; }
  bool isLattice() const { return kind >= SpaceKind::Set; }
  /// True if sites have neighbours.
  bool hasNeighbours() const { return kind > SpaceKind::Set; }
  /// True if activity that leaves at one edge enters at the other.
  bool wraps() const {
    return kind == SpaceKind::Ring || kind == SpaceKind::Rings ||
           kind == SpaceKind::Torus;
  }
  /// Number of trailing axes along which couplings reach.
  unsigned getCouplingRank() const {
    return kind == SpaceKind::Rings ? 1 : sites.size();
  }
  /// Shape of a value: copies, channels, sites.
  llvm::SmallVector<int64_t, 4> getShape() const;
  int64_t getNumSites() const;
  /// Number of values: product of the shape.
  int64_t getNumElements() const;

  /// `sheet (36 x 36)`, `image(28, 28)`, `scalar`.
  std::string describe() const;
  /// The same with the name in backticks: "`sheet` (36 x 36)".
  std::string quote() const;
  /// `sheet by channels(2)`, `torus(36, 36)`: as it is written in a program.
  std::string spell() const;
};

/// Keeps one copy of every space.
class SpaceTable {
public:
  /// The space equal to `space`; the first one given stays.
  const Space *get(Space space);

  const Space *getScalar() { return get({}); }
  const Space *getVector(int64_t size);
  const Space *withChannels(const Space *space, int64_t channels);
  const Space *withCopies(const Space *space, int64_t copies);
  /// `sheet.ring` of rings: the sites of one ring.
  const Space *getRing(const Space *rings);

private:
  std::deque<Space> spaces;
  llvm::StringMap<const Space *> unique;
};

/// Finds how a value on `from` is repeated to fill `to`: the axes of `to` that
/// are new. Scalars fill everything, a field fills the channels of its own
/// lattice, one ring all rings. False if it cannot be.
bool findBroadcast(const Space *from, const Space *to,
                   llvm::SmallVectorImpl<int64_t> &axes);

} // namespace loco::sema

#endif // COMPILER_SEMA_SPACE_H
