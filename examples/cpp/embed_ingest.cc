// Keeps an evidence store of its own about somebody's agent sessions, and asks
// a model of your choice for a better description of a skill. Nothing but the
// store is written: the evolution is a dry run.
//
//   embed_ingest HOME STATE_DIR                  read what is new below HOME
//   embed_ingest HOME STATE_DIR SKILL COMMAND    and improve a description;
//       COMMAND reads a prompt and prints an answer: "llm -m gpt-5-mini",
//       "ollama run llama3"
//
// Build: c++ -std=c++20 embed_ingest.cc -o embed_ingest
//            $(pkg-config --cflags --libs selftune nlohmann_json)
#include <selftune/selftune.h>
#include <stdio.h>  // popen

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using nlohmann::json;

// What the library hands out goes back to the library.
struct GiveBack {
  void operator()(selftune_engine_t* engine) const { selftune_close(engine); }
  void operator()(selftune_job_t* job) const { selftune_job_release(job); }
  void operator()(selftune_error_t* error) const { selftune_error_free(error); }
  void operator()(selftune_buf_t* buffer) const { selftune_buf_free(buffer); }
};
template <typename T>
using Owned = std::unique_ptr<T, GiveBack>;

// Throws what went wrong, with the command that puts it right. By reference: a
// call may write its error after the other arguments have been evaluated.
void Check(selftune_code_t code, selftune_error_t* const& written) {
  if (code == SELFTUNE_OK) return;
  const Owned<selftune_error_t> error(written);
  std::string text = selftune_error_message(error.get());
  const json facts = json::parse(selftune_error_json(error.get()));
  if (const json next = facts.value("next", json()); next.is_object()) {
    text += "\n  next: " + next.at("command").get<std::string>();
  }
  throw std::runtime_error(text);
}

// Comes from a thread of the library, one call at a time.
void ShowProgress(void* user, selftune_str_t event) noexcept {
  try {
    const json what = json::parse(std::string_view(event.data, event.size));
    fprintf(stderr, "%s: %s %lld of %lld\n", static_cast<const char*>(user),
            what.at("stage").get<std::string>().c_str(), what.at("done").get<long long>(),
            what.at("total").get<long long>());
  } catch (const std::exception& e) {  // must not leave a C callback
    fprintf(stderr, "progress: %s\n", e.what());
  }
}

// Runs one operation as a job; the envelope of its reply.
json Run(selftune_engine_t* engine, const char* op, const json& params) {
  const std::string request = json{{"op", op}, {"params", params}}.dump();
  selftune_callbacks_t callbacks = SELFTUNE_CALLBACKS_INIT;
  callbacks.event = ShowProgress;
  callbacks.user = const_cast<char*>(op);

  selftune_job_t* started = nullptr;
  selftune_error_t* error = nullptr;
  Check(selftune_start(engine, selftune_str(request.c_str()), &callbacks, &started, &error), error);
  const Owned<selftune_job_t> job(started);

  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  Check(selftune_job_wait(job.get(), /*timeout_ms=*/-1, &reply, &error), error);
  const Owned<selftune_buf_t> guard(&reply);
  return json::parse(std::string_view(reply.data, reply.size));
}

// What a shell command prints when it is given `input`.
std::string RunCommand(const std::string& command, const std::string& input) {
  const std::unique_ptr<FILE, int (*)(FILE*)> prompt(tmpfile(), fclose);
  if (!prompt || fwrite(input.data(), 1, input.size(), prompt.get()) != input.size() ||
      fflush(prompt.get()) != 0) {
    throw std::runtime_error("writing the prompt to a temporary file");
  }
  const std::string line = "(" + command + ") </dev/fd/" + std::to_string(fileno(prompt.get()));
  FILE* const pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("starting " + command);
  std::string output;
  char part[4096];
  for (size_t n; (n = fread(part, 1, sizeof part, pipe)) > 0;) output.append(part, n);
  if (pclose(pipe) != 0) throw std::runtime_error(command + " did not succeed");
  return output;
}

// Answers the library's questions. Calls may overlap: keep no state here.
selftune_code_t AskModel(void* user, selftune_str_t request, selftune_buf_t* reply) noexcept {
  try {
    const json question = json::parse(std::string_view(request.data, request.size));
    const std::string prompt =
        question.at("system").get<std::string>() + "\n\n" + question.at("user").get<std::string>();
    const std::string answer =
        json{{"text", RunCommand(*static_cast<const std::string*>(user), prompt)}}.dump();
    reply->data = static_cast<char*>(selftune_alloc(answer.size()));
    if (reply->data == nullptr) return SELFTUNE_E_RESOURCE_EXHAUSTED;
    std::memcpy(reply->data, answer.data(), answer.size());
    reply->size = answer.size();
    return SELFTUNE_OK;
  } catch (const std::exception& e) {
    fprintf(stderr, "the model: %s\n", e.what());
    return SELFTUNE_E_UNAVAILABLE;
  }
}

void Sync(selftune_engine_t* engine) {
  const json data = Run(engine, "sync.run", json::object()).at("data");
  for (const auto& [host, found] : data.at("sources").items()) {
    printf("%s: %lld files, %lld sessions touched, %lld lines not understood\n", host.c_str(),
           found.at("scanned").get<long long>(), found.at("sessions").get<long long>(),
           found.at("bad_lines").get<long long>());
  }
}

void Evolve(selftune_engine_t* engine, const std::string& skill) {
  const json reply = Run(engine, "evolve.run", {{"skill", skill}, {"dry_run", true}});
  const json& data = reply.at("data");
  printf("%s: %s\n", data.at("reason_code").get<std::string>().c_str(),
         data.at("reason").get<std::string>().c_str());
  // A dry run proposes a text and does not test it on the held-out prompts.
  if (data.at("after").is_string()) printf("%s\n", data.at("diff").get<std::string>().c_str());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3 && argc != 5) {
    fprintf(stderr, "usage: embed_ingest HOME STATE_DIR [SKILL COMMAND]\n");
    return 64;
  }
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  const std::string home = std::filesystem::absolute(argv[1]);
  const std::string state = std::filesystem::absolute(argv[2]);
  options.home = selftune_str(home.c_str());  // copied by selftune_open()
  options.config_dir = selftune_str(state.c_str());
  selftune_engine_t* opened = nullptr;
  selftune_error_t* error = nullptr;
  Check(selftune_open(&options, &opened, &error), error);

  std::string command;  // outlives the engine, whose threads read it
  const Owned<selftune_engine_t> engine(opened);
  Sync(engine.get());
  if (argc == 5) {
    command = argv[4];
    selftune_set_llm_handler(engine.get(), AskModel, &command);
    Evolve(engine.get(), argv[3]);
  }
  return 0;
} catch (const std::exception& e) {
  fprintf(stderr, "embed_ingest: %s\n", e.what());
  return 1;
}
