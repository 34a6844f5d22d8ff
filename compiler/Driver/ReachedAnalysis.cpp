//===- ReachedAnalysis.cpp - When training had come so far ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Analysis.h"

#include "loco/Files.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <nlohmann/json.hpp>

using namespace loco;
using Json = nlohmann::ordered_json;

Expected<Json> loco::analyzeReached(const sema::Setting &save,
                                    const AnalysisSubject &subject) {
  const sema::PlanValue *wanted = save.value->find("loss", 0);
  const sema::PlanValue *interval = save.value->find("every");
  if (!wanted->isNumber() || (interval && !(interval->number >= 1)))
    return Error{"`reached` takes a loss and, with `every`, a number of "
                 "updates"};
  int64_t every = interval ? static_cast<int64_t>(interval->number) : 1;
  auto text = readFile(subject.metrics);
  if (!text)
    return Error{"`reached` looks at the losses of training, but the model was "
                 "not trained in this run"};
  Json json = {{"loss", wanted->number}, {"every", every}, {"update", nullptr}};
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(*text).split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines) {
    Json metrics = Json::parse(line.begin(), line.end(), nullptr, false);
    if (!metrics.is_object() || !metrics["loss"].is_number())
      continue;
    int64_t update = metrics["update"].get<int64_t>();
    if (update % every == 0 &&
        metrics["loss"].get<double>() <= wanted->number) {
      json["update"] = update;
      break;
    }
  }
  return json;
}
