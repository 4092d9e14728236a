#include "sync/prompt_signals.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "hosts/registry.h"
#include "ingest/typed_command.h"
#include "signals/improvement.h"
#include "store/prompt_lookup.h"
#include "store/signal_words.h"

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

// What a signal says of which prompt; no prompt: it says nothing yet.
struct Judgement {
  store::PromptPk about;
  Label label = Label::kShould;
};

// A complaint is about the prompt before. Of one that only a hook told it is not
// known whether that is the newest one told by the source: it waits for its own
// place. Between two that only hooks told the hooks' order holds until then.
StatusOr<Judgement> About(store::Db& db, const signals::Signal& signal,
                          const store::PlacedPrompt& here, const store::PlacedPrompt& before) {
  const bool placed = here.by_source || !before.by_source;
  switch (signal.kind) {
    case signals::SignalKind::kCorrection:
      return Judgement{placed ? before.pk : store::PromptPk{}, Label::kShould};
    case signals::SignalKind::kUnwanted: {
      if (!placed) return Judgement{};
      if (!before.pk) return Judgement{here.pk, Label::kShouldNot};
      ST_ASSIGN_OR_RETURN(const bool ran, store::TriggeredAt(db, before, signal.skill));
      return Judgement{ran ? before.pk : here.pk, Label::kShouldNot};
    }
    case signals::SignalKind::kExplicitRequest:
    case signals::SignalKind::kManualInvocation:
      break;
  }
  return Judgement{here.pk, Label::kShould};
}

Status AddJudgement(store::IngestWriter& writer, const signals::Signal& signal,
                    const Judgement& judged, store::DrawnWords& drawn) {
  const std::string source = fmt::format("signal:{}", Word(ToStore(signal.kind)));
  drawn.AddLabel(judged.about, signal.skill, source);
  ST_RETURN_IF_ERROR(writer.AddLabel({.prompt = judged.about,
                                      .skill = signal.skill,
                                      .label = judged.label,
                                      .reason = MissReason::kSignal,
                                      .source = source}));
  const bool missed =
      judged.label == Label::kShould && signal.kind != signals::SignalKind::kManualInvocation;
  if (!missed) return absl::OkStatus();
  drawn.AddMiss(judged.about, signal.skill);
  ST_ASSIGN_OR_RETURN(const store::ExposureAt seen,
                      store::ReadExposureAt(writer.db(), judged.about, signal.skill));
  return writer.AddMissed({.prompt = judged.about,
                           .skill = signal.skill,
                           .reason = MissReason::kSignal,
                           .cause = store::CauseOf(seen),
                           .confidence = 1.0});
}

}  // namespace

Status AddPromptSignals(store::IngestWriter& writer, store::SessionPk session, int32_t seq,
                        std::string_view text, std::optional<UtcMillis> at,
                        std::span<const std::string> installed, store::DrawnWords* drawn) {
  store::DrawnWords nowhere;
  store::DrawnWords& said = drawn != nullptr ? *drawn : nowhere;
  const auto found = signals::DetectSignals(text, installed);
  if (found.empty()) return absl::OkStatus();
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const store::PlacedPrompt here, store::FindPrompt(db, session, seq));
  if (!here.pk) return absl::OkStatus();  // of no person
  ST_ASSIGN_OR_RETURN(const store::PlacedPrompt before,
                      store::UserPromptBefore(db, session, seq, here));
  for (const signals::Signal& signal : found) {
    const auto added = writer.AddSignal({.prompt = here.pk,
                                         .kind = ToStore(signal.kind),
                                         .mention = signal.skill,
                                         .skill = signal.resolved ? signal.skill : std::string(),
                                         .at = at});
    ST_RETURN_IF_ERROR(added.status());
    said.AddSignal(here.pk, Word(ToStore(signal.kind)), signal.skill);
    if (!signal.resolved) continue;
    ST_ASSIGN_OR_RETURN(const Judgement judged, About(db, signal, here, before));
    if (judged.about) ST_RETURN_IF_ERROR(AddJudgement(writer, signal, judged, said));
  }
  return absl::OkStatus();
}

Status DrawSessionAgain(store::IngestWriter& writer, store::SessionPk session,
                        std::span<const std::string> installed) {
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const store::SessionWords said, store::ReadSessionWords(db, session));
  std::vector<std::string> names;
  std::set_union(installed.begin(), installed.end(), said.skills.begin(), said.skills.end(),
                 std::back_inserter(names));
  store::DrawnWords drawn;
  for (const store::PromptWords& prompt : said.prompts) {
    ST_RETURN_IF_ERROR(
        AddPromptSignals(writer, session, prompt.seq, prompt.text, prompt.at, names, &drawn));
  }
  return said.whole ? store::ForgetWordsBut(db, session, drawn) : absl::OkStatus();
}

namespace {

// "acme:deploy-check" is the skill that is called "deploy-check" here.
std::string_view LocalName(std::string_view skill) {
  const size_t colon = skill.rfind(':');
  return colon == std::string_view::npos ? skill : skill.substr(colon + 1);
}

// Did the host load or the model read the skill in that turn?
bool Loaded(const store::TypedRequest& request, std::string_view skill) {
  return std::any_of(request.loaded.begin(), request.loaded.end(), [&](const std::string& name) {
    return base::EqualsIgnoreCase(LocalName(name), LocalName(skill));
  });
}

}  // namespace

// As the readers say it; the key is theirs.
Status AddTypedRequests(store::IngestWriter& writer, store::SessionPk session,
                        std::span<const std::string> installed) {
  ST_ASSIGN_OR_RETURN(const std::vector<store::TypedRequest> typed,
                      store::ReadTypedRequests(writer.db(), session));
  for (const store::TypedRequest& request : typed) {
    const hosts::HostRow* host = hosts::FindRow(request.platform);
    if (host == nullptr || !host->slash_text) continue;
    const ingest::TypedCommand command = ingest::ReadTypedCommand(request.text);
    if (!std::binary_search(installed.begin(), installed.end(), command.name) ||
        Loaded(request, command.name)) {
      continue;
    }
    store::ObservationRow row;
    const std::string key = ingest::RequestKey(request.seq, command.name);
    row.key = key;
    row.skill = command.name;
    row.outcome = Outcome::kRequested;
    row.level = Level::kExplicit;
    row.route = Route::kSlashText;
    row.requested_by = RequestedBy::kUser;
    row.mode = InvocationMode::kExplicit;
    row.prompt_seq = request.seq;
    if (!command.args.empty()) row.args = command.args;
    row.at = request.at;
    row.capture = Capture::kTranscript;
    row.origin = request.origin;
    row.origin.record = request.record;
    ST_RETURN_IF_ERROR(writer.UpsertObservation(session, row));
  }
  return absl::OkStatus();
}

Status ExplainAgain(store::IngestWriter& writer, store::SessionPk session, int32_t seq) {
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const std::vector<store::SignalMiss> misses,
                      store::SignalMisses(db, session, seq));
  for (const store::SignalMiss& miss : misses) {
    ST_ASSIGN_OR_RETURN(const store::ExposureAt seen,
                        store::ReadExposureAt(db, miss.prompt, miss.skill));
    const MissCause cause = store::CauseOf(seen);
    if (Word(cause) == miss.cause) continue;
    ST_RETURN_IF_ERROR(writer.AddMissed({.prompt = miss.prompt,
                                         .skill = miss.skill,
                                         .reason = MissReason::kSignal,
                                         .cause = cause,
                                         .confidence = 1.0}));
  }
  return absl::OkStatus();
}

}  // namespace selftune::sync
