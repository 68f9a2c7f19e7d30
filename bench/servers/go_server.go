// Servers in Go, with a goroutine for each connection. Prints its port, then serves until it is ended.
//
//	go run bench/servers/go_server.go tcp echo|lines|compute|mixed|bulk_out|bulk_in 0
//	go run bench/servers/go_server.go udp packet 0
//	go run bench/servers/go_server.go --tls PATH tcp echo|lines 0
//
// With --tls the certificate is PATH.crt, and its key PATH.key.
//
// Go sets TCP_NODELAY by itself, and lets as many connections wait as the system allows.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"strings"
)

// What one read takes at the most, in bytes: the same in all servers.
const readSize = 65_536

// As in compute.ts.
const turns = 2_000_000

// What is sent at once where much is sent: as in bulk.ts.
var bulk = bytes.Repeat([]byte(strings.Repeat("x", 63)+"\n"), 4096)

var handlers = map[string]func(net.Conn) error{
	"echo":     echo,
	"lines":    answerLines(strings.ToUpper),
	"compute":  answerLines(computed),
	"mixed":    answerLines(lightOrHeavy),
	"bulk_out": bulkOut,
	"bulk_in":  bulkIn,
}

func compute() int {
	sum := 0
	for turn := 0; turn < turns; turn++ {
		sum = (sum*31 + turn) % 1_000_003
	}
	return sum
}

func computed(string) string {
	return fmt.Sprintln(compute())
}

func lightOrHeavy(line string) string {
	if line == "heavy\n" {
		return computed(line)
	}
	return strings.ToUpper(line)
}

// Reads and writes: io.Copy would leave the bytes in the system.
func echo(conn net.Conn) error {
	buffer := make([]byte, readSize)
	for {
		count, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		if _, err := conn.Write(buffer[:count]); err != nil {
			return err
		}
	}
}

// One write for each line, as line handlers do it.
func answerLines(reply func(string) string) func(net.Conn) error {
	return func(conn net.Conn) error {
		reader := bufio.NewReader(conn)
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				return err
			}
			if _, err := io.WriteString(conn, reply(line)); err != nil {
				return err
			}
		}
	}
}

// Answers a number with as many bytes. It comes in one piece, short as it is.
func bulkOut(conn net.Conn) error {
	buffer := make([]byte, readSize)
	for {
		count, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		left, err := strconv.Atoi(strings.TrimSpace(string(buffer[:count])))
		if err != nil {
			return err
		}
		if err := sendBulk(conn, left); err != nil {
			return err
		}
	}
}

func sendBulk(conn net.Conn, left int) error {
	for left > 0 {
		chunk := bulk
		if left < len(chunk) {
			chunk = chunk[:left]
		}
		if _, err := conn.Write(chunk); err != nil {
			return err
		}
		left -= len(chunk)
	}
	return nil
}

// Answers a line of any length with that length.
func bulkIn(conn net.Conn) error {
	buffer := make([]byte, readSize)
	length := 0
	for {
		count, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		length += count
		if buffer[count-1] != '\n' {
			continue
		}
		if _, err := fmt.Fprintln(conn, length); err != nil {
			return err
		}
		length = 0
	}
}

func serve(conn net.Conn, handle func(net.Conn) error) {
	defer conn.Close()
	// When the client has gone away, the load generator counts what it lost.
	_ = handle(conn)
}

func listen(port, certificate string) (net.Listener, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil || certificate == "" {
		return listener, err
	}
	pair, err := tls.LoadX509KeyPair(certificate+".crt", certificate+".key")
	if err != nil {
		return nil, err
	}
	return tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}}), nil
}

func serveTCP(handler, port, certificate string) error {
	handle := handlers[handler]
	if handle == nil {
		return fmt.Errorf("cannot serve %s over TCP", handler)
	}
	listener, err := listen(port, certificate)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go serve(conn, handle)
	}
}

func servePackets(port string) error {
	conn, err := net.ListenPacket("udp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	socket := conn.(*net.UDPConn)
	fmt.Println(socket.LocalAddr().(*net.UDPAddr).Port)
	buffer := make([]byte, readSize)
	for {
		count, client, err := socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return err
		}
		if _, err := socket.WriteToUDPAddrPort(buffer[:count], client); err != nil {
			return err
		}
	}
}

func main() {
	certificate := flag.String("tls", "", "the path of a certificate and its key, without .crt and .key")
	flag.Parse()
	if flag.NArg() != 3 {
		log.Fatal("give tcp or udp, a handler and a port")
	}
	transport, handler, port := flag.Arg(0), flag.Arg(1), flag.Arg(2)
	if transport == "udp" {
		log.Fatal(servePackets(port))
	}
	log.Fatal(serveTCP(handler, port, *certificate))
}
