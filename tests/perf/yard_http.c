/* Answers every GET with a fixed body: what loopback and the client alone cost.
 *
 *   yard_http   prints its port; GET /N has N bytes (at most 1000000); ends with stdin */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kMostBytes = 1000000, kHead = 4096, kConnections = 64 };

typedef struct {
  char head[kHead];
  size_t size;
} connection_t;

static char body[kMostBytes];
static connection_t connections[kConnections];

static void must(int ok, const char* what) {
  if (ok) return;
  perror(what);
  exit(1);
}

/* Blocks until the client has taken it all: there is one client at a time. */
static void write_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t done = send(fd, data, size, MSG_NOSIGNAL);
    if (done <= 0) return;
    data += done;
    size -= (size_t)done;
  }
}

static void answer(int fd, const char* head) {
  char reply[160];
  long size = strncmp(head, "GET /", 5) == 0 ? strtol(head + 5, NULL, 10) : 0;
  if (size < 0 || size > kMostBytes) size = 0;
  const int length = snprintf(reply, sizeof reply,
                              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                              "Content-Length: %ld\r\n\r\n",
                              size);
  if (size > 0) {
    const int more = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &more, sizeof more);
  }
  write_all(fd, reply, (size_t)length);
  write_all(fd, body, (size_t)size);
  if (size > 0) {
    const int more = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &more, sizeof more);
  }
}

/* False when the connection is over. */
static int serve(int fd) {
  connection_t* at = &connections[fd % kConnections];
  const ssize_t got = recv(fd, at->head + at->size, kHead - 1 - at->size, 0);
  if (got <= 0) return 0;
  at->size += (size_t)got;
  at->head[at->size] = '\0';
  if (strstr(at->head, "\r\n\r\n") == NULL) return at->size < kHead - 1;
  at->size = 0;
  answer(fd, at->head);
  return 1;
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  memset(body, ' ', sizeof body);
  must(listener >= 0 && epoll >= 0, "socket");
  must(bind(listener, (struct sockaddr*)&address, sizeof address) == 0, "bind");
  must(listen(listener, 16) == 0, "listen");
  must(getsockname(listener, (struct sockaddr*)&address, &length) == 0, "getsockname");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  watch(epoll, listener);
  watch(epoll, STDIN_FILENO);
  for (;;) {
    struct epoll_event event;
    if (epoll_wait(epoll, &event, 1, -1) != 1) continue;
    const int fd = event.data.fd;
    if (fd == STDIN_FILENO) return 0;
    if (fd != listener) {
      if (!serve(fd)) close(fd);
      continue;
    }
    const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    const int now = 1;
    if (client < 0) continue;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
    connections[client % kConnections].size = 0;
    watch(epoll, client);
  }
}
