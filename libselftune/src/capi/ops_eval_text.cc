// eval.classify, eval.hygiene: what one query is.
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "capi/ops.h"
#include "eval/classify.h"
#include "eval/hygiene.h"

namespace selftune::capi::ops {

StatusOr<std::string> EvalClassify(Context&, const base::JsonValue& params) {
  const eval::InvocationLabel label =
      eval::ClassifyInvocation(params["query"].AsString(), params["skill"].AsString());
  base::JsonWriter out;
  out.BeginObject().Field("type", eval::Word(label.type)).Field("rule", label.rule).EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> EvalHygiene(Context&, const base::JsonValue& params) {
  const eval::HygieneResult result = eval::CheckHygiene(params["query"].AsString());
  const bool keep = result.verdict == eval::HygieneVerdict::kKeep;
  base::JsonWriter out;
  out.BeginObject().Field("keep", keep);
  for (const char* key : {"reason", "category"}) {
    if (keep) {
      out.NullField(key);
    } else {
      out.Field(key, result.category);
    }
  }
  out.Field("verdict", signals::Word(result.verdict)).Field("text", result.text).EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
