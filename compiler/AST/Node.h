//===- Node.h - What all nodes of the AST share -----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every node knows its range in the source. Nodes live in the arena of their
// `File` and are never destroyed one by one: they hold only pointers,
// `ArrayRef`s and `StringRef`s into the same arena or the source text, and
// must stay trivially destructible. Freeing a tree of any depth is therefore
// one step. Nodes are immutable after construction.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_NODE_H
#define COMPILER_AST_NODE_H

#include "compiler/AST/SourceFile.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include <algorithm>
#include <type_traits>
#include <utility>

namespace loco::ast {

/// A name as it was written.
struct Identifier {
  llvm::StringRef name;
  SourceRange range;

  bool empty() const { return name.empty(); }
  explicit operator bool() const { return !empty(); }
};

/// The arena that owns the nodes of one file.
class Arena {
public:
  template <typename T, typename... Args>
  T *create(Args &&...args) {
    static_assert(std::is_trivially_destructible_v<T>,
                  "nodes are freed with their arena, without destructors");
    return new (allocator.Allocate<T>()) T(std::forward<Args>(args)...);
  }

  /// Copies a list into the arena.
  template <typename T>
  llvm::ArrayRef<T> copy(llvm::ArrayRef<T> items) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (items.empty())
      return {};
    T *data = allocator.Allocate<T>(items.size());
    std::uninitialized_copy(items.begin(), items.end(), data);
    return {data, items.size()};
  }

  /// Copies text into the arena.
  llvm::StringRef copy(llvm::StringRef text) { return text.copy(allocator); }

private:
  llvm::BumpPtrAllocator allocator;
};

} // namespace loco::ast

#endif // COMPILER_AST_NODE_H
