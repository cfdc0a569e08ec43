<?php
namespace {
    echo "global";
}
