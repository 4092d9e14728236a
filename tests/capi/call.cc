// The C interface for tests that are not programs: commands on stdin, one a
// line, one JSON line out for each.
//
//   call HOME [read-only|no-create|no-migrate]
//
//   request JSON     cancelled JSON   a job that is cancelled while it runs
//   running JSON     a job that is looked at once
//   forked JSON      from a child process        no-memory JSON   nothing left
//   full on|off      writing to a file finds the disk full
//   handler FILE     answers model calls with these bytes; "handler" fails them
//
// {"code":kind,"error":object|null,"reply":envelope|null}
#include <errno.h>
#include <selftune/selftune.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "failing_alloc.h"

namespace {

std::atomic<bool> disk_full{false};

bool NoRoom(int fd) {
  struct stat info;
  return disk_full && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

// Take the place of libc's, for the library as well. By symbol: <unistd.h> may
// declare one of the two names as the other.
extern "C" {
ssize_t OurWrite(int fd, const void* data, size_t size) __asm__("write");
ssize_t OurPwrite(int fd, const void* data, size_t size, off_t offset) __asm__("pwrite");
ssize_t OurPwrite64(int fd, const void* data, size_t size, off_t offset) __asm__("pwrite64");

ssize_t OurWrite(int fd, const void* data, size_t size) {
  if (NoRoom(fd)) return errno = ENOSPC, -1;
  return syscall(SYS_write, fd, data, size);
}
ssize_t OurPwrite(int fd, const void* data, size_t size, off_t offset) {
  if (NoRoom(fd)) return errno = ENOSPC, -1;
  return syscall(SYS_pwrite64, fd, data, size, offset);
}
ssize_t OurPwrite64(int fd, const void* data, size_t size, off_t offset) {
  return OurPwrite(fd, data, size, offset);
}
}

namespace {

struct Answer {
  selftune_code_t code = SELFTUNE_OK;
  std::string error = "null";
  std::string reply = "null";
};

// Gives both back.
Answer Take(selftune_code_t code, selftune_error_t* error, selftune_buf_t* reply) {
  Answer out;
  out.code = code;
  if (error != nullptr) out.error = selftune_error_json(error);
  if (reply->data != nullptr) out.reply.assign(reply->data, reply->size);
  selftune_error_free(error);
  selftune_buf_free(reply);
  return out;
}

void Print(const Answer& answer) {
  printf("{\"code\":%d,\"error\":%s,\"reply\":%s}\n", answer.code, answer.error.c_str(),
         answer.reply.c_str());
  fflush(stdout);
}

Answer Request(selftune_engine_t* engine, const std::string& request) {
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = nullptr;
  const selftune_code_t code =
      selftune_request(engine, selftune_str(request.c_str()), &reply, &error);
  return Take(code, error, &reply);
}

Answer Job(selftune_engine_t* engine, const std::string& request, bool cancel) {
  selftune_job_t* job = nullptr;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = nullptr;
  selftune_code_t code =
      selftune_start(engine, selftune_str(request.c_str()), nullptr, &job, &error);
  if (code == SELFTUNE_OK) code = selftune_job_wait(job, 50, &reply, cancel ? nullptr : &error);
  if (cancel) {
    selftune_job_cancel(job);
    code = selftune_job_wait(job, -1, &reply, &error);
  }
  const Answer answer = Take(code, error, &reply);
  selftune_job_cancel(job);
  selftune_job_release(job);
  return answer;
}

// The child prints.
void Forked(selftune_engine_t* engine, const std::string& request) {
  const pid_t child = fork();
  if (child == 0) {
    Print(Request(engine, request));
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

Answer WithoutMemory(selftune_engine_t* engine, const std::string& request) {
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = nullptr;
  failing::Arm(0, failing::Mode::kOnward);
  const selftune_code_t code =
      selftune_request(engine, selftune_str(request.c_str()), &reply, &error);
  failing::Disarm();
  return Take(code, error, &reply);
}

// `user` is the reply; none fails the call.
selftune_code_t Handle(void* user, selftune_str_t, selftune_buf_t* reply) {
  const auto* text = static_cast<const std::string*>(user);
  if (text == nullptr) return SELFTUNE_E_UNAVAILABLE;
  reply->data = static_cast<char*>(selftune_alloc(text->size()));
  if (reply->data == nullptr) return SELFTUNE_E_RESOURCE_EXHAUSTED;
  memcpy(reply->data, text->data(), text->size());
  reply->size = text->size();
  return SELFTUNE_OK;
}

uint32_t Flag(std::string_view word) {
  if (word == "read-only") return SELFTUNE_READ_ONLY;
  if (word == "no-create") return SELFTUNE_NO_CREATE;
  if (word == "no-migrate") return SELFTUNE_NO_MIGRATE;
  return 0;
}

class Session {
 public:
  explicit Session(selftune_engine_t* engine) : engine_(engine) {}

  bool Do(std::string_view command, const std::string& rest) {
    if (command == "request") {
      Print(Request(engine_, rest));
    } else if (command == "cancelled" || command == "running") {
      Print(Job(engine_, rest, command == "cancelled"));
    } else if (command == "forked") {
      Forked(engine_, rest);
    } else if (command == "no-memory") {
      Print(WithoutMemory(engine_, rest));
    } else if (command == "full") {
      disk_full = rest == "on";
    } else if (command == "handler") {
      SetHandler(rest);
    } else {
      return false;
    }
    return true;
  }

 private:
  void SetHandler(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    answer_.assign(std::istreambuf_iterator<char>(file), {});
    selftune_set_llm_handler(engine_, Handle, path.empty() ? nullptr : &answer_);
  }

  selftune_engine_t* engine_;
  std::string answer_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  failing::Install();
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  selftune_engine_t* engine = nullptr;
  selftune_error_t* error = nullptr;
  options.home = selftune_str(argv[1]);
  options.flags = argc > 2 ? Flag(argv[2]) : 0;
  if (selftune_open(&options, &engine, &error) != SELFTUNE_OK) {
    fprintf(stderr, "%s\n", selftune_error_message(error));
    return 1;
  }
  Session session(engine);
  bool good = true;
  char* line = nullptr;
  size_t room = 0;
  while (good && getline(&line, &room, stdin) > 0) {
    const std::string_view text(line, strcspn(line, "\n"));
    const size_t blank = text.find(' ');
    good = session.Do(text.substr(0, blank),
                      blank == std::string_view::npos ? "" : std::string(text.substr(blank + 1)));
  }
  free(line);
  selftune_close(engine);
  return good ? 0 : 64;
}
