//===- Elaborate.cpp - Evaluation of expressions --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/ForeignWords.h"
#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Elaborator.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::StringRef;

/// Bounds on what one program may expand to. Layers and functions that call
/// each other twice could otherwise grow without end in few lines.
static constexpr unsigned maxDepth = 1200;
static constexpr unsigned maxNodes = 1u << 20;

Elaborator::Elaborator(Model &model, Program &program)
    : model(model), program(program), graph(model.graph), spaces(model.spaces) {
}

//===----------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------===//

Diagnostic &Elaborator::error(StringRef name, SourceRange range,
                              const llvm::Twine &message) {
  // Inside of a library layer the user's own call is what matters.
  if (!calls.empty() && calls.back().isLibrary) {
    auto outermost = llvm::find_if(
        calls, [](const ActiveCall &call) { return call.isLibrary; });
    return program.diagnostics.error(name, outermost->range, message)
        .note(range, "in " + outermost->what + " `" + outermost->name + "`");
  }
  Diagnostic &diagnostic = program.diagnostics.error(name, range, message);
  if (!calls.empty())
    diagnostic.note(calls.back().range,
                    "in this call of `" + calls.back().name + "`");
  return diagnostic;
}

Diagnostic &Elaborator::notYet(SourceRange range, const llvm::Twine &what) {
  return error("not-yet", range, what + " not supported yet");
}

std::string Elaborator::suggest(StringRef name, ArrayRef<StringRef> more) {
  std::string hint = hintAtForeignWord(name, ForeignWord::Value);
  if (!hint.empty())
    return hint;
  std::vector<StringRef> names;
  scope->collectNames(names);
  names.insert(names.end(), more.begin(), more.end());
  return didYouMean(name, names);
}

/// Adds where the name that the expression is made of is declared.
void Elaborator::noteDeclaration(Diagnostic &diagnostic, SourceRange range) {
  StringRef text = getText(range);
  if (const Symbol *symbol = scope->find(text))
    if (symbol->decl && symbol->range.isValid())
      diagnostic.note(symbol->range, "`" + text + "` is declared here");
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

/// What stands for a derivative on a right side: `v` for `z'`.
static std::string nameOfDerivative(const Model &model,
                                    const ast::DerivativeExpr &expr) {
  auto *name = llvm::dyn_cast<ast::NameExpr>(expr.operand);
  for (const State &state : model.states)
    if (name && state.name == name->name && state.velocity && expr.order == 1)
      return "write `" + state.velocity->name + "`, its velocity";
  return "";
}

Meaning Elaborator::elaborate(const ast::Expr *expr) {
  llvm::SaveAndRestore deeper(depth, depth + 1);
  bool isTooDeep = depth > maxDepth;
  if (isTooDeep || graph.size() > maxNodes) {
    if (!isExhausted)
      error(isTooDeep ? "too-deep" : "too-large", expr->getRange(),
            isTooDeep ? "definitions are nested more than " +
                            llvm::Twine(maxDepth) + " deep"
                      : "the model expands to more than " +
                            llvm::Twine(maxNodes) + " operations");
    isExhausted = true;
    return {};
  }
  bool inLibrary = !calls.empty() && calls.back().isLibrary;
  llvm::SaveAndRestore range(graph.range,
                             inLibrary ? graph.range : expr->getRange());
  using namespace ast;
  return llvm::TypeSwitch<const Expr *, Meaning>(expr)
      .Case([&](const NumberExpr *e) { return elaborateNumber(*e); })
      .Case([&](const StringExpr *e) {
        Meaning meaning;
        meaning.kind = Meaning::Kind::Text;
        meaning.text = e->value;
        return meaning;
      })
      .Case([&](const NameExpr *e) { return elaborateName(*e); })
      .Case([&](const MemberExpr *e) { return elaborateMember(*e); })
      .Case([&](const UnaryExpr *e) { return elaborateUnary(*e); })
      .Case([&](const PowerExpr *e) { return elaboratePower(*e); })
      .Case([&](const CoupleExpr *e) { return applyCoupling(*e); })
      .Case([&](const ProductExpr *e) { return elaborateProduct(*e); })
      .Case([&](const SumExpr *e) { return elaborateSum(*e); })
      .Case([&](const CompareExpr *e) { return elaborateCompare(*e); })
      .Case([&](const PipeExpr *e) { return elaboratePipe(*e); })
      .Case([&](const CallExpr *e) { return elaborateCall(*e); })
      .Case([&](const ReduceExpr *e) { return elaborateReduce(*e); })
      .Case([&](const SubscriptExpr *e) { return elaborateSubscript(*e); })
      .Case([&](const TupleExpr *e) { return elaborateTuple(*e); })
      .Case([&](const ListExpr *e) { return elaborateList(*e); })
      .Case([&](const DerivativeExpr *e) {
        error("misplaced", e->getRange(),
              "`" + getText(e->getRange()) +
                  "` stands only on the left side of an equation of `dynamics`")
            .hint(nameOfDerivative(model, *e));
        return Meaning();
      })
      .Case([&](const ByExpr *e) { return Meaning::ofSpace(evaluateSpace(e)); })
      .Case([&](const OnExpr *e) { return Meaning::ofSpace(evaluateSpace(e)); })
      .Default([&](const Expr *e) {
        error("misplaced", e->getRange(),
              "`" + getText(e->getRange()) + "` has no value here");
        return Meaning();
      });
}

/// What kind of thing a meaning is, for messages.
static StringRef describe(Meaning::Kind kind) {
  switch (kind) {
  case Meaning::Kind::Invalid:
  case Meaning::Kind::Value:
    return "a value";
  case Meaning::Kind::Gaussian:
    return "a distribution";
  case Meaning::Kind::Tuple:
    return "a tuple";
  case Meaning::Kind::Space:
    return "a space";
  case Meaning::Kind::Text:
    return "text";
  case Meaning::Kind::Coupling:
    return "a coupling";
  case Meaning::Kind::Function:
    return "a function";
  case Meaning::Kind::Layer:
  case Meaning::Kind::Partial:
    return "a layer";
  case Meaning::Kind::Model:
  case Meaning::Kind::Instance:
    return "a model";
  case Meaning::Kind::Index:
    return "the index of a neighbour";
  }
  llvm_unreachable("unknown kind of meaning");
}

Node *Elaborator::requireValue(const Meaning &meaning, SourceRange range) {
  if (!meaning.isValid())
    return nullptr;
  if (meaning.is(Meaning::Kind::Value)) {
    if (meaning.value->element == Element::Class) {
      error("not-a-value", range,
            "`" + getText(range) +
                "` is the number of a class, which has no "
                "arithmetic")
          .hint("write `one_hot(" + getText(range) + ")`");
      return nullptr;
    }
    if (meaning.value->element == Element::Bool) {
      error("not-a-value", range,
            "`" + getText(range) + "` is true or false, not a number")
          .hint("choose with `select(condition, a, b)`");
      return nullptr;
    }
    return meaning.value;
  }
  Diagnostic &diagnostic = error("not-a-value", range,
                                 "`" + getText(range) + "` is " +
                                     describe(meaning.kind) + ", not a value");
  if (meaning.is(Meaning::Kind::Gaussian))
    diagnostic.hint("draw from it with `sample(" + getText(range) + ")`");
  else if (meaning.is(Meaning::Kind::Tuple))
    diagnostic.hint("take one of its values: `" + getText(range) + "[0]`");
  else if (meaning.is(Meaning::Kind::Coupling))
    diagnostic.hint("apply it with `" + getText(range) + " @ z`");
  return nullptr;
}

Node *Elaborator::evaluate(const ast::Expr *expr) {
  return requireValue(elaborate(expr), expr->getRange());
}

std::optional<double> Elaborator::evaluateNumber(const ast::Expr *expr) {
  Node *node = evaluate(expr);
  if (!node)
    return std::nullopt;
  if (node->isNumber())
    return node->number;
  error("not-a-number", expr->getRange(),
        "`" + getText(expr->getRange()) +
            "` is not known before the program runs")
      .hint("write a number or a `const`");
  return std::nullopt;
}

std::optional<int64_t> Elaborator::evaluateInteger(const ast::Expr *expr,
                                                   int64_t least,
                                                   StringRef what) {
  std::optional<double> number = evaluateNumber(expr);
  if (!number)
    return std::nullopt;
  if (*number != std::floor(*number) || *number < least || *number > 1e9) {
    // A name says nothing about its value, which `--set` may have given.
    std::string value;
    if (!llvm::isa<ast::NumberExpr>(expr))
      llvm::raw_string_ostream(value)
          << ", which is " << llvm::format("%g", *number);
    error("not-a-count", expr->getRange(),
          what + " is a whole number from " + llvm::Twine(least) +
              " on, not `" + getText(expr->getRange()) + "`" + value);
    return std::nullopt;
  }
  return static_cast<int64_t>(*number);
}

Meaning Elaborator::elaborateNumber(const ast::NumberExpr &expr) {
  double number = expr.value;
  if (expr.unit.name == "deg") {
    number *= M_PI / 180;
  } else if (!expr.unit.empty()) {
    error("not-yet", expr.unit.range,
          "unit `" + expr.unit.name + "` is not supported yet")
        .hint("only `deg` is: write all times in one unit, as numbers");
    return {};
  }
  return Meaning::ofValue(graph.constant(number));
}

Meaning Elaborator::elaborateTuple(const ast::TupleExpr &expr) {
  Meaning meaning;
  meaning.kind = Meaning::Kind::Tuple;
  for (const ast::Expr *element : expr.elements)
    meaning.elements.push_back(elaborate(element));
  for (const Meaning &element : meaning.elements)
    if (!element.isValid())
      return {};
  return meaning;
}

/// `[0, 0, 1]`, `[x, y]`: numbers on a vector.
Meaning Elaborator::elaborateList(const ast::ListExpr &expr) {
  if (expr.elements.empty()) {
    error("misplaced", expr.getRange(), "a list needs an element");
    return {};
  }
  llvm::SmallVector<double> numbers;
  llvm::SmallVector<Node *> parts;
  for (const ast::Expr *element : expr.elements) {
    if (llvm::isa<ast::ListExpr>(element)) {
      error("not-a-number", element->getRange(),
            "a list holds numbers, not lists")
          .hint("a matrix is `reshape([1, 2, 3, 4] -> image(2, 2))`");
      return {};
    }
    Node *value = evaluate(element);
    if (!value)
      return {};
    if (!value->isScalar() || value->element != Element::Float) {
      error("not-a-scalar", element->getRange(),
            "`" + getText(element->getRange()) +
                "` is not one number, as the elements of a list are")
          .hint("rows of numbers are joined by `concat(a, b)`");
      return {};
    }
    if (value->isNumber())
      numbers.push_back(value->number);
    parts.push_back(graph.reshapeTo(value, {1}, nullptr));
  }
  const Space *space = spaces.getVector(parts.size());
  if (numbers.size() == parts.size())
    return Meaning::ofValue(graph.array(numbers, space));
  if (parts.size() == 1)
    return Meaning::ofValue(graph.reshape(parts.front(), space));
  return Meaning::ofValue(graph.concat(parts, 0, space));
}

/// How one site of a field, or its neighbours, are read.
static std::string hintAtSite(const Space *space, size_t axes, StringRef text) {
  if (!space || axes == 0)
    return "";
  return ("a site has a subscript for each axis; neighbours are read in `sum(j "
          "in near(radius = 1): " +
          text + "[j])`")
      .str();
}

/// `e[0]`: an element of the channel axis, or of a vector.
Meaning Elaborator::elaborateSubscript(const ast::SubscriptExpr &expr) {
  Meaning base = elaborate(expr.base);
  if (!base.isValid())
    return {};
  if (base.is(Meaning::Kind::Tuple) && expr.indices.size() == 1) {
    auto index = evaluateInteger(expr.indices.front(), 0, "an index");
    if (index && size_t(*index) < base.elements.size())
      return base.elements[*index];
    if (index)
      error("index-out-of-range", expr.indices.front()->getRange(),
            "`" + getText(expr.base->getRange()) + "` has " +
                llvm::Twine(base.elements.size()) + " elements");
    return {};
  }
  Node *node = requireValue(base, expr.base->getRange());
  if (!node || expr.indices.empty())
    return {};
  const ast::Expr *indexExpr = expr.indices.front();
  if (inNeighbourhood) {
    if (auto *name = llvm::dyn_cast<ast::NameExpr>(indexExpr)) {
      Symbol *symbol = scope->find(name->name);
      if (symbol && symbol->fixed.is(Meaning::Kind::Index)) {
        if (node->isScalar()) {
          error("not-a-field", expr.base->getRange(),
                "`" + getText(expr.base->getRange()) +
                    "` is a scalar, which has no neighbours");
          return {};
        }
        return Meaning::ofValue(graph.neighbour(node));
      }
    }
  }
  if (llvm::isa<ast::RangeExpr>(indexExpr) || expr.indices.size() > 1)
    return takeBox(expr, node);
  const Space *space = node->space;
  // The elements of a vector, the sites of a ring.
  bool isVector = space && !space->channels && node->shape.size() == 1;
  if (!space || !(space->channels || isVector)) {
    error("not-indexable", expr.base->getRange(),
          "`" + getText(expr.base->getRange()) + "` lives on " +
              (space ? space->quote() : std::string("no space")) +
              ", which has no channels to choose from")
        .hint(hintAtSite(space, node->shape.size(),
                         getText(expr.base->getRange())));
    return {};
  }
  std::optional<int64_t> index = evaluateInteger(indexExpr, 0, "an index");
  if (!index)
    return {};
  int64_t extent = node->shape.front();
  if (*index >= extent) {
    error("index-out-of-range", indexExpr->getRange(),
          "`" + getText(expr.base->getRange()) + "` has " +
              llvm::Twine(extent) +
              (!isVector ? " channels"
               : space->hasNeighbours() || space->kind == SpaceKind::Set
                   ? " sites"
                   : " elements") +
              ", counted from 0");
    return {};
  }
  const Space *rest =
      isVector ? spaces.getScalar() : spaces.withChannels(space, 0);
  return Meaning::ofValue(graph.selectFirst(node, *index, rest));
}
