/*
 * The least that a datagram server can do: many datagrams with each call of the
 * system, in C. Prints its port, then serves until it is ended.
 *
 *   cc -O2 -Wall -Wextra -pthread -o recvmmsg_udp bench/servers/recvmmsg_udp.c
 *   ./recvmmsg_udp [THREADS] packet|sendto|busy_packet 0
 *
 * Each thread receives and sends on the same socket: nothing is handed over. One that
 * computes takes one datagram at a time, so that no other thread waits for work.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* How many datagrams a call takes, how long they may be, and how much is computed: see compute.ts. */
enum { COUNT = 64, SIZE = 65536, SHORT = 12000 };

static int fd;
static bool busy;

static int bound(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  socklen_t size = sizeof address;
  int made = socket(AF_INET, SOCK_DGRAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (made < 0 || bind(made, (struct sockaddr *)&address, size) < 0) err(1, "bind");
  getsockname(made, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return made;
}

static void compute(void) {
  volatile int64_t sum = 0;
  for (int64_t turn = 0; turn < SHORT; turn++) sum = (sum * 31 + turn) % 1000003;
}

static void *serve(void *unused) {
  int most = busy ? 1 : COUNT;
  char(*data)[SIZE] = malloc(sizeof *data * COUNT);
  struct sockaddr_in names[COUNT];
  struct iovec pieces[COUNT];
  struct mmsghdr messages[COUNT];
  if (!data) err(1, "malloc");
  for (int i = 0; i < COUNT; i++) {
    messages[i].msg_hdr = (struct msghdr){
        .msg_name = &names[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  for (;;) {
    for (int i = 0; i < most; i++) {
      pieces[i] = (struct iovec){.iov_base = data[i], .iov_len = SIZE};
      messages[i].msg_hdr.msg_namelen = sizeof names[i];
    }
    int count = recvmmsg(fd, messages, most, MSG_WAITFORONE, NULL);
    if (count < 0) err(1, "recvmmsg");
    for (int i = 0; i < count; i++) pieces[i].iov_len = messages[i].msg_len;
    if (busy) compute();
    for (int sent = 0; sent < count;) {
      int more = sendmmsg(fd, messages + sent, count - sent, 0);
      if (more < 0) err(1, "sendmmsg");
      sent += more;
    }
  }
  return unused;
}

int main(int argc, char **argv) {
  if (argc < 3) errx(2, "usage: recvmmsg_udp [THREADS] packet|sendto|busy_packet PORT");
  int threads = argc > 3 ? atoi(argv[1]) : 1;
  busy = strcmp(argv[argc - 2], "busy_packet") == 0;
  fd = bound(atoi(argv[argc - 1]));
  for (pthread_t other; threads > 1; threads--) {
    if (pthread_create(&other, NULL, serve, NULL)) errx(1, "pthread_create");
  }
  serve(NULL);
}
