// selftune._core: the C interface as Python objects. JSON stays text here;
// engine.py makes dictionaries of it. No call keeps the interpreter locked, and
// every callback takes the lock again.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <selftune/selftune.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "locked.h"
#include "table.h"

namespace py = pybind11;

namespace selftune::python {
namespace {

selftune_str_t Borrow(std::string_view text) { return {text.data(), text.size()}; }
std::string_view View(selftune_str_t text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}
// Texts of the library are UTF-8; what is not becomes U+FFFD rather than an
// exception in the middle of an answer.
py::str Text(std::string_view text) {
  PyObject* made =
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(made);
}

// Throws the error as selftune.SelftuneError. The lock is held.
[[noreturn]] void Raise(selftune_code_t code, selftune_error_t* error) {
  const std::string json = selftune_error_json(error);
  selftune_error_free(error);
  const py::object type = py::module_::import("selftune.errors").attr("SelftuneError");
  const py::object made = type.attr("from_json")(code, Text(json));
  PyErr_SetObject(type.ptr(), made.ptr());
  throw py::error_already_set();
}

// Looks now and then, in a call without the lock, whether a signal wants to raise.
struct Signals {
  static constexpr std::chrono::milliseconds kPause{100};
  std::chrono::steady_clock::time_point next = std::chrono::steady_clock::now() + kPause;
  bool raised = false;

  static int32_t Stop(void* user) {
    auto& self = *static_cast<Signals*>(user);
    const auto now = std::chrono::steady_clock::now();
    if (now < self.next) return 0;
    self.next = now + kPause;
    const Locked locked;
    if (!locked) return 1;  // the interpreter ends
    self.raised = PyErr_CheckSignals() != 0;
    return self.raised ? 1 : 0;
  }
};

// Runs a call of the library without the lock; its failure as an exception.
template <typename Body>
void Unlocked(Body&& body, const Signals* signals = nullptr) {
  selftune_error_t* error = nullptr;
  selftune_code_t code = SELFTUNE_OK;
  {
    const Released unlocked;
    code = body(&error);
  }
  if (signals != nullptr && signals->raised) {
    selftune_error_free(error);
    throw py::error_already_set();
  }
  if (code != SELFTUNE_OK) Raise(code, error);
}

// Python calls from threads of the library. What the function raises goes to
// sys.unraisablehook: there is nobody to catch it.
thread_local int callback_depth = 0;

template <typename Body>
bool FromLibrary(Body&& body) noexcept {
  const Locked locked;
  if (!locked) return false;
  ++callback_depth;
  bool done = false;
  try {
    body();
    done = true;
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("a callback of selftune");
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "a C++ exception in a callback of selftune");
    PyErr_WriteUnraisable(nullptr);
  }
  --callback_depth;
  return done;
}

// Gives something back to the library, which may wait for its callbacks: so
// without the lock, and not from one of those callbacks.
template <typename Body>
void GiveBack(Body body) noexcept {
  if (callback_depth > 0) {
    std::thread(std::move(body)).detach();
    return;
  }
  const Released unlocked;
  body();
}

// Drops a Python object wherever the last reference to it goes.
struct Function {
  py::object call;

  explicit Function(py::object function) : call(std::move(function)) {}
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;
  ~Function() {
    const Locked locked;
    if (!locked) {
      (void)call.release();
      return;
    }
    call = py::object();
  }
};

// What keeps an engine open: the Python object, and each call, job and
// subscription that uses it. In a forked child it is only forgotten.
struct Open {
  selftune_engine_t* engine = nullptr;
  const pid_t owner = ::getpid();
  std::unique_ptr<Function> log;
  std::vector<std::unique_ptr<Function>> llm_handlers;  // requests keep theirs

  Open() = default;
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() {
    if (engine != nullptr && ::getpid() == owner) selftune_close(engine);
  }
};
using OpenPtr = std::shared_ptr<Open>;

void Drop(OpenPtr& open) noexcept {
  if (open == nullptr) return;
  GiveBack([last = std::exchange(open, nullptr)]() mutable { last.reset(); });
}

// A reference for the time of a call.
class InUse {
 public:
  explicit InUse(OpenPtr open) : open_(std::move(open)) {}
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;
  ~InUse() { Drop(open_); }
  [[nodiscard]] selftune_engine_t* get() const { return open_->engine; }
  [[nodiscard]] const OpenPtr& open() const { return open_; }

 private:
  OpenPtr open_;
};

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { selftune_buf_free(&buffer_); }
  [[nodiscard]] selftune_buf_t* out() { return &buffer_; }
  [[nodiscard]] py::str text() const { return Text({buffer_.data, buffer_.size}); }

 private:
  selftune_buf_t buffer_ = SELFTUNE_BUF_INIT;
};

// ------------------------------------------------------------------ callbacks

void OnLog(void* user, int32_t level, selftune_str_t line) {
  FromLibrary([&] { static_cast<Function*>(user)->call(level, Text(View(line))); });
}

void OnEvent(void* user, selftune_str_t json) {
  FromLibrary([&] { static_cast<Function*>(user)->call(Text(View(json))); });
}

void OnChange(void* user, int64_t clock, uint32_t topics) {
  FromLibrary([&] { static_cast<Function*>(user)->call(clock, topics); });
}

// The function answers with the text of the reply, or None when it failed.
selftune_code_t OnQuestion(void* user, selftune_str_t request, selftune_buf_t* reply) {
  selftune_code_t code = SELFTUNE_E_INTERNAL;
  FromLibrary([&] {
    const py::object answer = static_cast<Function*>(user)->call(Text(View(request)));
    if (answer.is_none()) return;
    const auto text = answer.cast<std::string>();
    auto* memory = static_cast<char*>(selftune_alloc(text.size() + 1));
    if (memory == nullptr) return;
    text.copy(memory, text.size());
    memory[text.size()] = '\0';
    *reply = {memory, text.size()};
    code = SELFTUNE_OK;
  });
  return code;
}

// ----------------------------------------------------------------------- Job

class Job {
 public:
  Job(OpenPtr open, selftune_job_t* job, std::unique_ptr<Function> listener)
      : open_(std::move(open)), job_(job), listener_(std::move(listener)) {}
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  ~Job() {
    if (::getpid() != open_->owner) return;
    GiveBack([job = job_, listener = std::move(listener_), open = std::move(open_)]() mutable {
      selftune_job_release(job);
      listener.reset();
      open.reset();
    });
  }

  // None while it runs.
  std::optional<py::str> Wait(int64_t timeout_ms) {
    Buffer reply;
    selftune_error_t* error = nullptr;
    selftune_code_t code = SELFTUNE_OK;
    {
      const Released unlocked;
      code = selftune_job_wait(job_, timeout_ms, reply.out(), &error);
    }
    if (code == SELFTUNE_OK) return reply.text();
    if (std::string_view(selftune_error_name(error)) == "JOB_RUNNING") {
      selftune_error_free(error);
      return std::nullopt;
    }
    Raise(code, error);
  }
  void Cancel() { selftune_job_cancel(job_); }

 private:
  OpenPtr open_;
  selftune_job_t* job_;
  std::unique_ptr<Function> listener_;
};

// -------------------------------------------------------------- Subscription

class Subscription {
 public:
  Subscription(OpenPtr open, selftune_sub_t* sub, std::unique_ptr<Function> listener)
      : open_(std::move(open)), sub_(sub), listener_(std::move(listener)) {}
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription() { Close(); }

  void Close() {
    if (sub_ == nullptr || ::getpid() != open_->owner) return;
    GiveBack([sub = std::exchange(sub_, nullptr), listener = std::move(listener_),
              open = std::move(open_)]() mutable {
      selftune_unsubscribe(sub);
      listener.reset();
      open.reset();
    });
  }

 private:
  OpenPtr open_;
  selftune_sub_t* sub_;
  std::unique_ptr<Function> listener_;
};

// -------------------------------------------------------------------- Engine

std::unique_ptr<Function> Optional(const py::object& function) {
  return function.is_none() ? nullptr : std::make_unique<Function>(function);
}

class Engine {
 public:
  Engine(const std::string& home, const std::string& config_dir, const std::string& db_path,
         uint32_t flags, const std::vector<std::string>& env, const py::object& log)
      : open_(std::make_shared<Open>()) {
    open_->log = Optional(log);
    std::vector<const char*> entries;
    for (const std::string& entry : env) entries.push_back(entry.c_str());
    entries.push_back(nullptr);
    selftune_options_t options = SELFTUNE_OPTIONS_INIT;
    options.flags = flags;
    options.home = Borrow(home);
    options.config_dir = Borrow(config_dir);
    options.db_path = Borrow(db_path);
    options.env = entries.data();
    options.log = open_->log != nullptr ? OnLog : nullptr;
    options.user = open_->log.get();
    Unlocked(
        [&](selftune_error_t** error) { return selftune_open(&options, &open_->engine, error); });
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() { Close(); }

  void Close() { Drop(open_); }
  [[nodiscard]] bool closed() const { return open_ == nullptr; }

  py::str Request(const std::string& request) {
    const InUse use(Use());
    Buffer reply;
    Unlocked([&](selftune_error_t** error) {
      return selftune_request(use.get(), Borrow(request), reply.out(), error);
    });
    return reply.text();
  }

  std::unique_ptr<Job> Start(const std::string& request, const py::object& listener) {
    const InUse use(Use());
    auto function = Optional(listener);
    selftune_callbacks_t callbacks = SELFTUNE_CALLBACKS_INIT;
    callbacks.event = function != nullptr ? OnEvent : nullptr;
    callbacks.user = function.get();
    selftune_job_t* job = nullptr;
    Unlocked([&](selftune_error_t** error) {
      return selftune_start(use.get(), Borrow(request), &callbacks, &job, error);
    });
    return std::make_unique<Job>(use.open(), job, std::move(function));
  }

  std::unique_ptr<Subscription> Subscribe(uint32_t topics, const py::object& listener) {
    const InUse use(Use());
    auto function = std::make_unique<Function>(listener);
    selftune_sub_t* sub = nullptr;
    Unlocked([&](selftune_error_t** error) {
      return selftune_subscribe(use.get(), topics, OnChange, function.get(), &sub, error);
    });
    return std::make_unique<Subscription>(use.open(), sub, std::move(function));
  }

  void SetLlmHandler(const py::object& handler) {
    const InUse use(Use());
    auto function = Optional(handler);
    Function* raw = function.get();
    auto& handlers = use.open()->llm_handlers;
    if (function != nullptr) handlers.push_back(std::move(function));
    {
      const Released unlocked;
      selftune_set_llm_handler(use.get(), raw != nullptr ? OnQuestion : nullptr, raw);
    }
    // Requests that run keep theirs; when there are none, the others go.
    constexpr long kThisAndEngine = 2;
    if (use.open().use_count() > kThisAndEngine || callback_depth > 0) return;
    std::vector<std::unique_ptr<Function>> old;
    old.swap(handlers);
    for (auto& each : old) {
      if (each.get() == raw) handlers.push_back(std::move(each));
    }
  }

  // All rows in memory. In the main thread Ctrl-C, and whatever else a signal
  // raises, ends it.
  std::unique_ptr<Table> Export(const std::string& request) {
    const InUse use(Use());
    struct Held {
      ArrowArrayStream stream{};
      ~Held() {
        if (stream.release != nullptr) stream.release(&stream);
      }
    } held;
    Signals signals;
    Unlocked(
        [&](selftune_error_t** error) {
          return selftune_export_arrow_until(use.get(), Borrow(request), Signals::Stop, &signals,
                                             &held.stream, error);
        },
        &signals);
    return Table::Read(&held.stream);
  }

  // A capsule that reads on demand, once.
  py::capsule Stream(const std::string& request) {
    const InUse use(Use());
    auto stream = std::make_unique<ArrowArrayStream>();
    Unlocked([&](selftune_error_t** error) {
      return selftune_export_arrow(use.get(), Borrow(request), stream.get(), error);
    });
    return StreamCapsule(std::move(stream));
  }

 private:
  [[nodiscard]] OpenPtr Use() const {
    if (open_ == nullptr) {
      StayIfEnded();
      throw py::value_error("the engine is closed");
    }
    return open_;
  }

  OpenPtr open_;
};

}  // namespace
}  // namespace selftune::python

PYBIND11_MODULE(_core, m) {
  namespace sp = selftune::python;
  m.doc() = "The C interface of libselftune.";
  m.attr("__version__") = selftune_version();
  m.attr("READ_ONLY") = SELFTUNE_READ_ONLY;
  m.attr("NO_CREATE") = SELFTUNE_NO_CREATE;
  m.attr("NO_MIGRATE") = SELFTUNE_NO_MIGRATE;
  m.attr("NO_NETWORK") = SELFTUNE_NO_NETWORK;
  m.def("has", [](const std::string& feature) { return selftune_has(feature.c_str()) != 0; });

  m.def("end", &sp::End);

  py::class_<sp::Job>(m, "Job")
      .def("wait", &sp::Job::Wait, py::arg("timeout_ms"))
      .def("cancel", &sp::Job::Cancel);
  py::class_<sp::Subscription>(m, "Subscription").def("close", &sp::Subscription::Close);
  py::class_<sp::Engine>(m, "Engine")
      .def(py::init<const std::string&, const std::string&, const std::string&, uint32_t,
                    const std::vector<std::string>&, const py::object&>(),
           py::arg("home"), py::arg("config_dir"), py::arg("db_path"), py::arg("flags"),
           py::arg("env"), py::arg("log"))
      .def("close", &sp::Engine::Close)
      .def_property_readonly("closed", &sp::Engine::closed)
      .def("request", &sp::Engine::Request, py::arg("request"))
      .def("start", &sp::Engine::Start, py::arg("request"), py::arg("listener"))
      .def("subscribe", &sp::Engine::Subscribe, py::arg("topics"), py::arg("listener"))
      .def("set_llm_handler", &sp::Engine::SetLlmHandler, py::arg("handler"))
      .def("export", &sp::Engine::Export, py::arg("request"))
      .def("stream", &sp::Engine::Stream, py::arg("request"));
  sp::Table::Define(m);
}
