<?php
namespace App {
    echo "braced";
}
