package main

import (
	"net/http"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// serveRegistry serves an empty schema registry until the process is ended.
func serveRegistry(address string) error {
	registry := srfake.New()
	defer registry.Close()
	return http.ListenAndServe(address, registry.Handler())
}

// serveBroker serves a broker without topics on a port of the loopback until the process is ended.
func serveBroker(port string) error {
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1), kfake.Ports(number), kfake.DefaultNumPartitions(4))
	if err != nil {
		return err
	}
	defer cluster.Close()
	select {}
}
