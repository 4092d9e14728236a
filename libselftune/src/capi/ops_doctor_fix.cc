// doctor.fix: does what the doctor advises where that is safe: nothing of the
// person's is lost, and doing it twice is doing it once.
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "status/doctor.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using status::Check;
using status::CheckStatus;

using Fix = Status (*)(Context& context, const Check& check);

Status FixHooks(Context& context, const Check& check) {
  const std::string platform = check.name.substr(check.name.find('.') + 1);
  const auto done = InstallHooks(
      context, JsonValue::Object({{"platforms", JsonValue::Array({JsonValue::Text(platform)})}}));
  if (!done.ok()) return done.status();
  Status failed = context.verdict();
  context.SetVerdict(absl::OkStatus());
  return failed;
}

Status FixBySync(Context& context, const Check&) {
  return SyncRun(context, JsonValue::Object({})).status();
}

Status FixSchema(Context& context, const Check&) {
  return StoreMigrate(context, JsonValue::Object({})).status();
}

// Others may not read it any more.
Status FixMode(Context& context, const Check& check) {
  struct stat info{};
  if (::stat(check.path.c_str(), &info) == 0) {
    if (context.dry_run()) return absl::OkStatus();
    if (::chmod(check.path.c_str(), info.st_mode & 0700) == 0) {
      context.SetChanged();
      return absl::OkStatus();
    }
  }
  return Fail(kWriteFailed, "setting the mode of {}: {}", check.path,
              std::generic_category().message(errno));
}

struct Remedy {
  std::string_view name;     // glob of the check's
  std::string_view command;  // how the command begins that it advises
  Fix fix;
};
constexpr Remedy kRemedies[] = {
    {"config.mode", "chmod", FixMode},
    {"db.schema", "selftune db migrate", FixSchema},
    {"db.open", "selftune sync", FixBySync},
    {"db.wal", "selftune sync", FixBySync},
    {"hooks.spool", "selftune sync", FixBySync},
    {"evidence.*", "selftune sync", FixBySync},
    {"hooks.*", "selftune hooks install", FixHooks},
};

const Remedy* RemedyFor(const Check& check) {
  for (const Remedy& remedy : kRemedies) {
    if (status::MatchesGlob(remedy.name, check.name) && check.command.starts_with(remedy.command)) {
      return &remedy;
    }
  }
  return nullptr;
}

bool IsTrouble(const Check& check) {
  return check.status == CheckStatus::kWarn || check.status == CheckStatus::kFail;
}

void WriteCheck(JsonWriter& out, const Check& check, std::string_view error) {
  out.BeginObject()
      .Field("name", check.name)
      .Field("status", status::Word(check.status))
      .Field("message", check.message);
  TextOrNull(out, "command", check.command);
  TextOrNull(out, "error", std::string(error));
  out.EndObject();
}

}  // namespace

StatusOr<std::string> DoctorFix(Context& context, const JsonValue& params) {
  ST_RETURN_IF_ERROR(context.CheckWritable());
  const std::string& only = params["only"].AsString();
  ST_ASSIGN_OR_RETURN(const status::DoctorReport before,
                      status::RunDoctor(DoctorWorldOf(context), {.only = only}));
  JsonWriter out;
  out.BeginObject().Key("applied").BeginArray();
  std::vector<std::pair<std::string, std::string>> failed;  // check, why
  std::string read;                                         // one sync is enough
  for (const Check& check : before.checks) {
    const Remedy* const remedy = IsTrouble(check) ? RemedyFor(check) : nullptr;
    if (remedy == nullptr || (remedy->fix == FixBySync && !read.empty())) continue;
    if (remedy->fix == FixBySync) read = check.name;
    const Status done = remedy->fix(context, check);
    if (done.ok()) {
      WriteCheck(out, check, "");
    } else {
      failed.emplace_back(check.name, Message(done));
    }
  }
  out.EndArray().Key("remaining").BeginArray();
  if (!context.dry_run()) context.CloseConnections();
  ST_ASSIGN_OR_RETURN(const status::DoctorReport after,
                      status::RunDoctor(DoctorWorldOf(context), {.only = only}));
  for (const Check& check : after.checks) {
    const bool planned = context.dry_run() && RemedyFor(check) != nullptr;
    if (!IsTrouble(check) || planned) continue;
    std::string_view error;
    for (const auto& [name, why] : failed) {
      if (name == check.name) error = why;
    }
    WriteCheck(out, check, error);
  }
  out.EndArray().Field("healthy", after.healthy()).EndObject();
  if (!after.healthy() && !context.dry_run()) {
    context.SetVerdict(WithSuggestion(Fail(kUnhealthy, "some checks still fail"),
                                      "what is left is for you to decide", "selftune doctor"));
  }
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops
