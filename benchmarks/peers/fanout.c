/* The fastest plain way to send one packet to many: what the fan-out stage is compared with.
 *
 * usage: fanout BYTES ROUNDS < ports     one port of 127.0.0.1 a line
 * Sends ROUNDS packets of BYTES bytes to every port by sendmmsg and prints the nanoseconds it took. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { MAX_MEMBERS = 65536, BATCH = 1024, MAX_BYTES = 1400, SEND_BUFFER = 4 << 20 };

static struct sockaddr_in names[MAX_MEMBERS];
static struct mmsghdr messages[MAX_MEMBERS];
static char packet[MAX_BYTES];

int main(int count, char **arguments)
{
    if (count != 3)
        return 2;
    size_t bytes = strtoul(arguments[1], NULL, 10);
    long rounds = strtol(arguments[2], NULL, 10);
    struct iovec content = { packet, bytes < MAX_BYTES ? bytes : MAX_BYTES };
    int members = 0, size = SEND_BUFFER, media = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    unsigned port;

    if (media < 0)
        return 1;
    setsockopt(media, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    while (members < MAX_MEMBERS && scanf("%u", &port) == 1) {
        names[members].sin_family = AF_INET;
        names[members].sin_port = htons((unsigned short)port);
        names[members].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        messages[members].msg_hdr.msg_name = &names[members];
        messages[members].msg_hdr.msg_namelen = sizeof names[members];
        messages[members].msg_hdr.msg_iov = &content;
        messages[members].msg_hdr.msg_iovlen = 1;
        members++;
    }

    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (long round = 0; round < rounds; round++)
        for (int done = 0; done < members;) {
            int batch = members - done < BATCH ? members - done : BATCH;
            int sent = sendmmsg(media, messages + done, (unsigned)batch, 0);
            if (sent > 0)
                done += sent;
            else if (errno != EAGAIN && errno != EINTR)
                done++;
        }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%lld\n", (ended.tv_sec - began.tv_sec) * 1000000000LL + ended.tv_nsec - began.tv_nsec);
    return 0;
}
