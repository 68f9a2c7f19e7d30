/*
 * The least that a datagram server can do: many datagrams with each call of the
 * system, in C. Prints its port, then serves until it is ended.
 *
 *   cc -O2 -Wall -Wextra -o recvmmsg_udp bench/servers/recvmmsg_udp.c
 *   ./recvmmsg_udp packet 0
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { COUNT = 64, SIZE = 65536 };

static char data[COUNT][SIZE];
static struct sockaddr_in names[COUNT];
static struct iovec pieces[COUNT];
static struct mmsghdr messages[COUNT];

static int bound(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0) err(1, "bind");
  getsockname(fd, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 3) errx(2, "usage: recvmmsg_udp packet|sendto PORT");
  int fd = bound(atoi(argv[2]));
  for (int i = 0; i < COUNT; i++) {
    messages[i].msg_hdr = (struct msghdr){
        .msg_name = &names[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  for (;;) {
    for (int i = 0; i < COUNT; i++) {
      pieces[i] = (struct iovec){.iov_base = data[i], .iov_len = SIZE};
      messages[i].msg_hdr.msg_namelen = sizeof names[i];
    }
    int count = recvmmsg(fd, messages, COUNT, MSG_WAITFORONE, NULL);
    if (count < 0) err(1, "recvmmsg");
    for (int i = 0; i < count; i++) pieces[i].iov_len = messages[i].msg_len;
    for (int sent = 0; sent < count;) {
      int more = sendmmsg(fd, messages + sent, count - sent, 0);
      if (more < 0) err(1, "sendmmsg");
      sent += more;
    }
  }
}
