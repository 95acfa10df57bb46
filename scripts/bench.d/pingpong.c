// The yardstick for a message between two processes: libzmq alone, with nothing around it.
//
//   cc -O2 -o pingpong pingpong.c -lzmq
//   ./pingpong tcp://127.0.0.1:* pong 16384 20000     prints the endpoint it is bound to
//   ./pingpong <that endpoint>   ping 16384 20000     prints "median <ns> mean <ns>", one way
//
// A PUSH and a PULL in each direction. `ping` sends `size` bytes and waits for as many back, `rounds`
// times after a warm-up of a tenth as many; one way is half of there and back. Both block in libzmq and
// copy their bytes in and out (zmq_send, zmq_recv). Sockets have libzmq's own defaults.
//
// The first message tells `pong` where `ping` listens, so that only one endpoint has to be known.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { endpoint_limit = 256 };

static void check(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "pingpong: %s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

// Where `ping` listens: another port of the same host for tcp, another name for the rest.
static void way_back(const char *endpoint, char *back) {
  const char *colon = strrchr(endpoint, ':');
  if (strncmp(endpoint, "tcp://", 6) == 0 && colon)
    snprintf(back, endpoint_limit, "%.*s:*", (int)(colon - endpoint), endpoint);
  else
    snprintf(back, endpoint_limit, "%s-back", endpoint);
}

static void bind_and_resolve(void *socket, const char *endpoint, char *resolved) {
  size_t length = endpoint_limit;
  check(zmq_bind(socket, endpoint) == 0, endpoint);
  check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, resolved, &length) == 0, "ZMQ_LAST_ENDPOINT");
}

int main(int argc, char **argv) {
  if (argc != 5 || (strcmp(argv[2], "ping") != 0 && strcmp(argv[2], "pong") != 0)) {
    fprintf(stderr, "usage: %s endpoint ping|pong size rounds\n", argv[0]);
    return 2;
  }
  const char *endpoint = argv[1];
  const int is_ping = strcmp(argv[2], "ping") == 0;
  const size_t size = strtoull(argv[3], NULL, 10);
  const long rounds = strtol(argv[4], NULL, 10), warmup = rounds / 10;
  if (rounds < 1) {
    fprintf(stderr, "pingpong: %s rounds; 1 or more are\n", argv[4]);
    return 2;
  }

  void *context = zmq_ctx_new();
  void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
  char *buffer = calloc(size + 1, 1), back[endpoint_limit], resolved[endpoint_limit];
  int64_t *times = calloc((size_t)rounds, sizeof *times);
  check(push && pull && buffer && times, "set up");

  if (is_ping) {
    way_back(endpoint, back);
    bind_and_resolve(pull, back, resolved);
    check(zmq_connect(push, endpoint) == 0, endpoint);
    check(zmq_send(push, resolved, strlen(resolved) + 1, 0) > 0, "zmq_send");
  } else {
    bind_and_resolve(pull, endpoint, resolved);
    printf("%s\n", resolved);
    fflush(stdout);
    check(zmq_recv(pull, back, endpoint_limit, 0) > 0, "zmq_recv");
    check(zmq_connect(push, back) == 0, back);
  }

  for (long round = -warmup; round < rounds; round += 1) {
    const int64_t start = now_ns();
    if (is_ping) check(zmq_send(push, buffer, size, 0) == (int)size, "zmq_send");
    check(zmq_recv(pull, buffer, size, 0) == (int)size, "zmq_recv");
    if (!is_ping) check(zmq_send(push, buffer, size, 0) == (int)size, "zmq_send");
    if (round >= 0) times[round] = now_ns() - start;
  }

  if (is_ping) {
    double sum = 0;
    for (long round = 0; round < rounds; round += 1) sum += (double)times[round];
    qsort(times, (size_t)rounds, sizeof *times, compare);
    printf("median %lld mean %.0f\n", (long long)(times[rounds / 2] / 2), sum / (double)rounds / 2);
  }
  free(times);
  free(buffer);
  zmq_close(push);
  zmq_close(pull);
  zmq_ctx_term(context);
  return 0;
}
