package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

// produce sends the file's messages, lines of key and value in base64 and 0 or 1 for what would be
// aborted by a producer with transactions, which this one leaves out.
func produce(brokers, topic, codec, file string) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(brokers, ",")...),
		kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(codecs[codec]),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	records, err := readRecords(file)
	if err != nil {
		return err
	}
	return client.ProduceSync(context.Background(), records...).FirstErr()
}

func readRecords(file string) ([]*kgo.Record, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	var records []*kgo.Record
	lines := bufio.NewScanner(opened)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		columns := strings.Split(lines.Text(), "\t")
		if len(columns) != 3 {
			return nil, fmt.Errorf("%d columns in a line of %s, expected 3", len(columns), file)
		}
		if columns[2] == "1" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(columns[0])
		if err != nil {
			return nil, err
		}
		value, err := base64.StdEncoding.DecodeString(columns[1])
		if err != nil {
			return nil, err
		}
		records = append(records, &kgo.Record{Key: key, Value: value})
	}
	return records, lines.Err()
}
