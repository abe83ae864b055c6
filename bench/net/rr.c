// Request and response over TCP, as fast as one round trip allows: `rr serve PORT` answers each message with itself, `rr ask
// HOST PORT CONNECTIONS SECONDS` prints how many answers it had, all connections together. In C, so that the path is measured.
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 128, CONNECTIONS_MAX = 256, WAIT_MS = 1000 };

static void fail(const char *what) {
  fprintf(stderr, "cannot %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void watch(int poll, int socket) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = socket}};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event) != 0) fail("watch a socket");
}

static void no_delay(int socket) {
  int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static _Noreturn void serve(const char *port) {
  int listener = socket(AF_INET6, SOCK_STREAM, 0);
  int on = 1;
  if (listener < 0) fail("make a socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
  if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0) fail("bind");
  if (listen(listener, CONNECTIONS_MAX) != 0) fail("listen");
  int poll = epoll_create1(0);
  watch(poll, listener);
  for (;;) {
    struct epoll_event events[CONNECTIONS_MAX];
    int count = epoll_wait(poll, events, CONNECTIONS_MAX, -1);
    for (int i = 0; i < count; i++) {
      int ready = events[i].data.fd;
      if (ready == listener) {
        int accepted = accept(listener, NULL, NULL);
        if (accepted < 0) continue;
        no_delay(accepted);
        watch(poll, accepted);
        continue;
      }
      char message[SIZE];
      ssize_t size = recv(ready, message, sizeof message, 0);
      if (size <= 0 || send(ready, message, (size_t)size, 0) != size) close(ready);
    }
  }
}

static int ask(const char *host, const char *port, int connections, double seconds) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
  struct addrinfo *target;
  if (getaddrinfo(host, port, &hints, &target) != 0) fail("read the address");
  int poll = epoll_create1(0);
  char message[SIZE];
  memset(message, 'x', sizeof message);
  for (int i = 0; i < connections; i++) {
    int opened = socket(target->ai_family, SOCK_STREAM, 0);
    if (opened < 0) fail("make a socket");
    if (connect(opened, target->ai_addr, target->ai_addrlen) != 0) fail("connect");
    no_delay(opened);
    watch(poll, opened);
    if (send(opened, message, sizeof message, 0) != SIZE) fail("send");
  }
  long answers = 0;
  double start = now();
  while (now() - start < seconds) {
    struct epoll_event events[CONNECTIONS_MAX];
    int count = epoll_wait(poll, events, CONNECTIONS_MAX, WAIT_MS);
    if (count == 0) {
      errno = ETIMEDOUT;
      fail("hear an answer");
    }
    for (int i = 0; i < count; i++) {
      int ready = events[i].data.fd;
      if (recv(ready, message, sizeof message, MSG_WAITALL) != SIZE) fail("receive");
      answers++;
      if (send(ready, message, sizeof message, 0) != SIZE) fail("send");
    }
  }
  printf("%.0f\n", (double)answers / (now() - start));
  return 0;
}

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);
  if (count == 3 && strcmp(words[1], "serve") == 0) serve(words[2]);
  if (count == 6 && strcmp(words[1], "ask") == 0) {
    int connections = atoi(words[4]);
    if (connections >= 1 && connections <= CONNECTIONS_MAX)
      return ask(words[2], words[3], connections, atof(words[5]));
  }
  fprintf(stderr, "usage: rr serve PORT | rr ask HOST PORT CONNECTIONS(1..%d) SECONDS\n", CONNECTIONS_MAX);
  return 2;
}
