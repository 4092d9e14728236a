// signals.*: what prompts say about skills.
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "capi/ops.h"
#include "signals/improvement.h"
#include "store/vocabulary.h"

namespace selftune::capi::ops {

StatusOr<std::string> SignalsDetect(Context&, const base::JsonValue& params) {
  std::vector<std::string> skills;
  for (const base::JsonValue& skill : params["skills"].items()) skills.push_back(skill.AsString());
  base::JsonWriter out;
  out.BeginObject().Key("signals").BeginArray();
  for (const signals::Signal& signal :
       signals::DetectSignals(params["prompt"].AsString(), skills)) {
    out.BeginObject()
        .Field("kind", signals::Word(signal.kind))
        .Field("skill", signal.skill)
        .Field("resolved", signal.resolved)
        .EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
