/* address.c: which addresses lead inside (RFC 6890 and the IPv6 forms of the same). One table of prefixes; an
 * IPv4 address in an IPv6 one is looked at as what it is. */
#include "operators/http/download.h"

#include <netinet/in.h>
#include <string.h>

static const struct {
    uint32_t prefix;
    int bits;
} inside4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* shared, carriers' */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local, cloud metadata */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarking */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, broadcast */
};

static bool denies4(uint32_t a) {
    for (size_t i = 0; i < sizeof inside4 / sizeof *inside4; i++)
        if (((a ^ inside4[i].prefix) >> (32 - inside4[i].bits)) == 0) return true;
    return false;
}

static uint32_t word_at(const uint8_t *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool denies6(const uint8_t a[16]) {
    static const uint8_t zero[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0) return denies4(word_at(a + 12));
    if (memcmp(a, zero, 12) == 0) return true; /* ::, ::1 and the old IPv4-compatible ones */
    if (a[0] == 0x20 && a[1] == 0x02) return denies4(word_at(a + 2)); /* 6to4 */
    bool local = a[0] == 0xfe && (a[1] & 0x80);                       /* link-local and the old site-local */
    bool unique = (a[0] & 0xfe) == 0xfc;
    return local || unique || a[0] == 0xff;
}

bool download_denies(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return denies4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6) return true;
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof in6);
    return denies6(in6.sin6_addr.s6_addr);
}
