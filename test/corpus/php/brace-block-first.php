<?php
{
    echo "block";
}
