//===- Analysis.h - What an analyze block saves --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_ANALYSIS_H
#define COMPILER_DRIVER_ANALYSIS_H

#include "compiler/AST/Diagnostic.h"
#include "compiler/Driver/ModelFacts.h"
#include "loco/DataSource.h"
#include "loco/Program.h"
#include "loco/SiteGrid.h"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <optional>

namespace loco {

/// One set of parameters to look at: "trained", "untrained".
struct Network {
  std::string name;
  const TensorMap *parameters = nullptr;
};

/// What an analysis is made of.
struct AnalysisSubject {
  const ModelFacts *model = nullptr;
  Program *program = nullptr;
  /// The same with differences between states (`tangent/<state>`), for
  /// analyses that follow those; else null.
  Program *tangents = nullptr;
  /// Looked at one after the other and shown side by side.
  std::vector<Network> networks;
  /// Where samples come from, unless the analysis brings its own stimuli.
  std::optional<DataOption> data;
  /// How many samples are looked at.
  int64_t samples = 256;
  /// How many steps they have; 0: those of the data.
  int64_t steps = 0;
  uint64_t seed = 0;
  ElementType precision = ElementType::F32;
  /// Folder for figures and arrays.
  std::string folder;
  /// The metrics of the model's training; there may be none.
  std::string metrics;
};

/// Results of some samples, and the fields of their data, by name, with a
/// leading axis of samples.
struct Responses {
  TensorMap results, fields;
  int64_t samples = 0;
  /// Mean loss over the samples, if the model has one.
  double loss = 0;
  /// Number of classes of the field `label`, 0 if there is none.
  int64_t classes = 0;
};

/// Runs a network on the first samples of `data` and collects `results`. A
/// model without inputs needs no data; the subject says its steps then.
Expected<Responses> collectResponses(const AnalysisSubject &subject,
                                     const TensorMap &parameters,
                                     const std::optional<DataOption> &data,
                                     const std::vector<std::string> &results);

/// How the sites of a space neighbour each other.
SiteGrid getSiteGrid(const sema::Space &space);

/// The space that the result `name` lives on; null if it has none.
const sema::Space *getResultSpace(const ModelFacts &model,
                                  llvm::StringRef name);

/// Does what `save "label" = analysis(...)` asks for: writes figures, and
/// returns the numbers for results.json.
Expected<nlohmann::ordered_json> runAnalysis(const sema::Setting &save,
                                             const AnalysisSubject &subject);

/// Reports an analysis that there is not, and arguments that it does not take
/// or cannot do without.
bool checkAnalysis(const sema::Setting &save, DiagnosticEngine &diagnostics);

/// Reports values that the analyses of the program's blocks cannot measure:
/// pairs that do not fit each other, what lives on no lattice.
void checkMeasuredValues(const sema::Module &module,
                         DiagnosticEngine &diagnostics);

/// The analyses themselves; each documented in docs/Language.md.
Expected<nlohmann::ordered_json>
analyzeSelectivity(const sema::Setting &save, const AnalysisSubject &subject);
Expected<nlohmann::ordered_json>
analyzePhaseVelocity(const sema::Setting &save, const AnalysisSubject &subject);
Expected<nlohmann::ordered_json>
analyzePrediction(const sema::Setting &save, const AnalysisSubject &subject);
Expected<nlohmann::ordered_json>
analyzeAccuracy(const sema::Setting &save, const AnalysisSubject &subject);
Expected<nlohmann::ordered_json> analyzeError(const sema::Setting &save,
                                              const AnalysisSubject &subject);
Expected<nlohmann::ordered_json>
analyzeValidTime(const sema::Setting &save, const AnalysisSubject &subject);
Expected<nlohmann::ordered_json> analyzeReached(const sema::Setting &save,
                                                const AnalysisSubject &subject);
Expected<nlohmann::ordered_json>
analyzeLyapunov(const sema::Setting &save, const AnalysisSubject &subject);

} // namespace loco

#endif // COMPILER_DRIVER_ANALYSIS_H
