#include "sync/prompt_signals.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "signals/improvement.h"
#include "store/prompt_lookup.h"

namespace selftune::sync {
namespace {

SignalKind ToStore(signals::SignalKind kind) {
  switch (kind) {
    case signals::SignalKind::kCorrection:
      return SignalKind::kCorrection;
    case signals::SignalKind::kUnwanted:
      return SignalKind::kUnwanted;
    case signals::SignalKind::kExplicitRequest:
      return SignalKind::kExplicitRequest;
    case signals::SignalKind::kManualInvocation:
      return SignalKind::kManualInvocation;
  }
  return SignalKind::kCorrection;
}

}  // namespace

Status AddPromptSignals(store::IngestWriter& writer, store::SessionPk session, int32_t seq,
                        std::string_view text, std::optional<UtcMillis> at,
                        std::span<const std::string> installed) {
  const auto found = signals::DetectSignals(text, installed);
  if (found.empty()) return absl::OkStatus();
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const store::PromptPk here, store::FindPrompt(db, session, seq));
  ST_ASSIGN_OR_RETURN(const store::PromptPk before, store::UserPromptBefore(db, session, seq));
  for (const signals::Signal& signal : found) {
    const SignalKind kind = ToStore(signal.kind);
    const auto added = writer.AddSignal({.prompt = here,
                                         .kind = kind,
                                         .mention = signal.skill,
                                         .skill = signal.resolved ? signal.skill : std::string(),
                                         .at = at});
    ST_RETURN_IF_ERROR(added.status());
    if (!signal.resolved) continue;
    store::PromptPk about = here;
    Label label = Label::kShould;
    if (kind == SignalKind::kCorrection) {
      about = before;
    } else if (kind == SignalKind::kUnwanted) {
      label = Label::kShouldNot;
      if (before) {
        ST_ASSIGN_OR_RETURN(const bool ran, store::TriggeredAt(db, before, signal.skill));
        if (ran) about = before;
      }
    }
    if (!about) continue;
    const std::string source = fmt::format("signal:{}", Word(kind));
    ST_RETURN_IF_ERROR(writer.AddLabel({.prompt = about,
                                        .skill = signal.skill,
                                        .label = label,
                                        .reason = MissReason::kSignal,
                                        .source = source}));
    if (label != Label::kShould || kind == SignalKind::kManualInvocation) continue;
    ST_ASSIGN_OR_RETURN(const store::ExposureAt seen,
                        store::ReadExposureAt(db, about, signal.skill));
    ST_RETURN_IF_ERROR(writer.AddMissed({.prompt = about,
                                         .skill = signal.skill,
                                         .reason = MissReason::kSignal,
                                         .cause = store::CauseOf(seen),
                                         .confidence = 1.0}));
  }
  return absl::OkStatus();
}

}  // namespace selftune::sync
